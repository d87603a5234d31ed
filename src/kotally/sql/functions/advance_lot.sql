-- The lot from which a plan pays in advance what is not granted yet, or all null: as if it had as
-- many credits available as the plan still lets the contact owe (S11.5). It may be one that does not
-- exist yet.
create or replace function kotally.advance_lot(
  p_location_id text, p_contact_id uuid, p_state kotally.spending, p_product_config_id text,
  p_calendar_id text, p_at timestamptz, p_now timestamptz
) returns kotally.lots language plpgsql stable as $$
declare
  v record;
  v_lot kotally.lots;
begin
  select n.entitlement_id, e.product_config_id, e.product_version, n.coverage, d.id,
         (r.rules #>> '{arrears,advance_max}')::integer - coalesce(o.owed, 0) as room
    into v
    from unnest(p_state.plans) with ordinality n
    join kotally.entitlements e on e.location_id = p_location_id and e.id = n.entitlement_id
    join kotally.product_versions r
      on r.location_id = p_location_id and r.product_id = e.product_config_id
     and r.version = e.product_version
   cross join lateral (
     select sum(l.owed - coalesce(r.amount, 0)) as owed
       from kotally.lots l
       left join kotally.lapsed_holds(p_location_id, p_contact_id, p_now) r
         on r.lot_id = l.id and l.class = 'advance'
      where l.location_id = p_location_id and l.contact_id = p_contact_id and l.is_open
        and l.entitlement_id = n.entitlement_id) o
    left join lateral (
      select l.id from kotally.lots l
       where l.location_id = p_location_id and l.contact_id = p_contact_id and l.is_open
         and l.entitlement_id = n.entitlement_id and l.class = 'advance' and l.parent_lot_id is null
         and l.owed > 0
       order by l.id limit 1) d on true
   where not n.is_unlimited and n.can_owe
     and (r.rules #>> '{arrears,advance_max}')::integer > coalesce(o.owed, 0)
     and kotally.plan_covers(
       (n.entitlement_id, n.product_config_id, n.coverage, n.is_unlimited, n.caps, n.starts_at,
        n.paid_until, n.grace_until, n.ends_at, n.anchor_on, n.period_months,
        n.cancel_window_minutes, n.beneficiary_id, n.can_owe)::kotally.plan,
       p_state.blockers, p_product_config_id, p_calendar_id, p_at, p_now)
   order by n.ordinality limit 1;
  if v.entitlement_id is null then
    return null;
  end if;
  v_lot := kotally.empty_lot(p_location_id, p_contact_id, p_now);
  v_lot.id := coalesce(v.id, kotally.new_id());
  v_lot.entitlement_id := v.entitlement_id;
  v_lot.product_config_id := v.product_config_id;
  v_lot.product_version := v.product_version;
  v_lot.class := 'advance';
  v_lot.coverage := v.coverage;
  v_lot.available := v.room;
  return v_lot;
end;
$$;
