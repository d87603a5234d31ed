-- Move the expiry of a contact's lot, and keep what it was and why (S6.7, S8.4). The caller holds
-- the contact's lock.
create or replace function kotally.change_expiry(
  p_location_id text, p_lot_id uuid, p_to_at timestamptz, p_reason text, p_cause_id uuid,
  p_source text, p_actor text, p_correlation_id uuid, p_now timestamptz
) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into kotally.expiry_changes (
    location_id, id, contact_id, lot_id, from_at, to_at, reason, cause_id, source, actor,
    correlation_id, recorded_at)
  select l.location_id, kotally.new_id(), l.contact_id, l.id, l.expires_at, p_to_at, p_reason,
         p_cause_id, p_source, p_actor, p_correlation_id,
         kotally.recorded_at(p_location_id, p_now)
    from kotally.lots l
   where l.location_id = p_location_id and l.id = p_lot_id;
  -- A pack is good for as long as its credits.
  update kotally.entitlements e set ends_at = p_to_at
    from kotally.lots l
   where l.location_id = p_location_id and l.id = p_lot_id
     and e.location_id = p_location_id and e.id = l.entitlement_id and e.type = 'package'
     and e.end_reason is null and e.ends_at = l.expires_at;
  update kotally.lots l
     set expires_at = p_to_at, projected_expires_at = null,
         rules = l.rules || jsonb_strip_nulls(jsonb_build_object('starts', kotally.moved_start(
           l, p_to_at, p_reason, p_cause_id, t.timezone)))
    from kotally.locations t
   where l.location_id = p_location_id and l.id = p_lot_id and t.id = p_location_id
$$;
