-- Say until when a lot will live once a freeze is over; null takes the freeze back (S8.4).
create or replace function kotally.project_expiry(p_location_id text, p_lot_id uuid, p_at timestamptz)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  update kotally.lots l set projected_expires_at = p_at
   where l.location_id = p_location_id and l.id = p_lot_id
$$;
