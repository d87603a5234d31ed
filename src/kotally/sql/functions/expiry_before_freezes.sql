-- The expiry that a lot needs now to live until a local midnight once the planned and running
-- freezes that cover it are over, or the first after it where a freeze leaves out that very one.
-- It must live until then for longer than it does (S6.7, S8.4).
create or replace function kotally.expiry_before_freezes(
  p_lot kotally.lots, p_until timestamptz, p_timezone text
) returns timestamptz language plpgsql stable as $$
declare
  v_short date := (p_lot.expires_at at time zone p_timezone)::date;
  v_enough date := (p_until at time zone p_timezone)::date;
  v_on date;
begin
  p_lot.expires_at := p_until;
  if kotally.projected_expiry(p_lot, p_timezone) is null then
    return p_until;
  end if;
  -- The later a lot expires, the longer it lives: halve the days between.
  while v_enough - v_short > 1 loop
    v_on := v_short + (v_enough - v_short) / 2;
    p_lot.expires_at := kotally.local_midnight(v_on, p_timezone);
    if coalesce(kotally.projected_expiry(p_lot, p_timezone), p_lot.expires_at) < p_until then
      v_short := v_on;
    else
      v_enough := v_on;
    end if;
  end loop;
  return kotally.local_midnight(v_enough, p_timezone);
end;
$$;
