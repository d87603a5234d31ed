-- Until when a lot will live once the planned and running freezes that cover it are over: moved by
-- each that begins before it expires; null when none does (S8.4).
create or replace function kotally.projected_expiry(p_lot kotally.lots, p_timezone text)
returns timestamptz language plpgsql stable as $$
declare
  v_freeze kotally.freezes;
  v_days integer;
  v_at timestamptz := p_lot.expires_at;
begin
  for v_freeze in
    select * from kotally.freezes f
     where f.location_id = p_lot.location_id and f.contact_id = p_lot.contact_id
       and f.status in ('planned', 'running')
       and (f.membership_id = p_lot.entitlement_id or f.covers_packs)
     order by f.starts_on, f.id
  loop
    continue when v_at <= v_freeze.starts_at;
    v_days := kotally.frozen_days(p_lot, v_freeze, p_timezone);
    if v_days > 0 then
      v_at := kotally.add_local_days(v_at, v_days, p_timezone);
    end if;
  end loop;
  return nullif(v_at, p_lot.expires_at);
end;
$$;
