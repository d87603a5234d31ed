-- Say anew until when a contact's lots, and packs without lots, will live, after a freeze was
-- planned, changed or ended. The caller holds the contact's lock.
create or replace function kotally.project_lots(p_location_id text, p_contact_id uuid)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  update kotally.lots l set projected_expires_at = n.at
    from (
      select o.id, kotally.projected_expiry(o, t.timezone) as at
        from kotally.lots o
        join kotally.locations t on t.id = p_location_id
       where o.location_id = p_location_id and o.contact_id = p_contact_id
         and o.expires_at is not null) n
   where l.location_id = p_location_id and l.id = n.id
     and l.projected_expires_at is distinct from n.at;
  update kotally.entitlements e set projected_ends_at = n.at
    from (
      select o.id, kotally.projected_expiry(k, t.timezone) as at
        from kotally.entitlements o
        join kotally.locations t on t.id = p_location_id
       cross join lateral kotally.lot_of_pack(o) k
       where o.location_id = p_location_id and o.contact_id = p_contact_id and o.is_ruled
         and k.id is not null) n
   where e.location_id = p_location_id and e.id = n.id
     and e.projected_ends_at is distinct from n.at
$$;
