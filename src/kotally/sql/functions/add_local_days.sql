-- Move an expiry by whole local days, rounding up to a local midnight (S6.2, S14.2).
create or replace function kotally.add_local_days(p_at timestamptz, p_days integer, p_timezone text)
returns timestamptz language plpgsql stable as $$
declare
  v_on date := (p_at at time zone p_timezone)::date;
begin
  if kotally.local_midnight(v_on, p_timezone) < p_at then
    v_on := v_on + 1;
  end if;
  return kotally.local_midnight(v_on + p_days, p_timezone);
end;
$$;
