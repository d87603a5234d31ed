-- A page of a contact's entitlements with their lots, the newest first.
create or replace function kotally.contact_entitlements(
  p_location_id text, p_contact_id uuid, p_as_of timestamptz, p_before uuid, p_limit integer
) returns table (id uuid, item json) language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
  v_at timestamptz := coalesce(p_as_of, kotally.location_now(p_location_id));
  v_last_seq bigint := kotally.last_seq(p_location_id, p_contact_id, p_as_of);
  v_blockers kotally.blockers[] := kotally.blockers_at(p_location_id, p_contact_id, v_at);
  v_ids uuid[] := array(
    select e.id from kotally.entitlements e
     where e.location_id = p_location_id and e.contact_id = p_contact_id
       and e.created_at <= v_at and (p_before is null or e.id < p_before)
     order by e.id desc limit p_limit);
  v_lots kotally.lots[] := (
    select h.lots
      from kotally.holdings(p_location_id, p_contact_id, v_at, v_last_seq, v_ids) h);
begin
  return query
    select r.id, json_build_object(
        'id', r.id, 'product_config_id', r.product_config_id,
        'product_name', (
          select v.name from kotally.product_versions v
           where v.location_id = p_location_id and v.product_id = r.product_config_id
             and v.version = r.version),
        'type', r.type, 'version', r.version, 'status', r.status,
        'credits_granted', r.granted, 'credits_remaining', r.remaining, 'credits_held', r.held,
        'starts_at', kotally.iso(r.starts_at), 'expires_at', kotally.iso(r.expires_at),
        'current_period', (
          select json_build_object(
              'number', p.number, 'starts_at', kotally.iso(p.starts_at),
              'ends_at', kotally.iso(case when p.number = m.period_number then m.period_ends_at
                                          else p.ends_at end),
              'renews_at', kotally.iso(m.renews_at))
            from kotally.periods p
            join kotally.memberships m on m.location_id = p_location_id and m.id = p.membership_id
           where r.is_membership and p.location_id = p_location_id and p.membership_id = r.id
             and p.starts_at <= v_at
           order by p.number desc limit 1),
        'lots', array_to_json(array(
          select kotally.lot_item(l, v_at) from unnest(v_lots) l
           where l.entitlement_id = r.id order by l.id desc limit 100)))
      from kotally.entitlement_rows(p_location_id, v_ids, v_lots, v_blockers, v_at) r
     order by r.id desc;
end;
$$;
