-- A pack without lots, such as an unlimited one, as if it were a lot: it is good for a time, and
-- freezes and closures move that like the life of credits (S8.4, S6.7).
create or replace function kotally.lot_of_pack(p_pack kotally.entitlements)
returns kotally.lots language sql stable as $$
  select jsonb_populate_record(
    kotally.empty_lot(p_pack.location_id, p_pack.contact_id, p_pack.starts_at),
    jsonb_build_object(
      'id', p_pack.id, 'entitlement_id', p_pack.id, 'product_config_id', p_pack.product_config_id,
      'effective_at', p_pack.starts_at, 'expires_at', p_pack.ends_at))
   where p_pack.type = 'package' and p_pack.is_ruled and p_pack.end_reason is null
     and p_pack.ends_at is not null
     and not exists (
       select from kotally.lots l
        where l.location_id = p_pack.location_id and l.entitlement_id = p_pack.id)
$$;
