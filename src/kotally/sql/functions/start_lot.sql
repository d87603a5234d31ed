-- Move the first instant of a lot: its period was moved by a freeze (S8.5), or it was activated
-- (S6.4). The caller holds the contact's lock.
create or replace function kotally.start_lot(p_location_id text, p_lot_id uuid, p_at timestamptz)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  update kotally.lots l set effective_at = p_at
   where l.location_id = p_location_id and l.id = p_lot_id
$$;
