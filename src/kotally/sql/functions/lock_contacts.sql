-- Take the contacts' locks, always in the same order, so that no two batches can wait for each
-- other. Everything that moves credits begins here.
create or replace function kotally.lock_contacts(p_location_id text, p_contact_ids uuid[])
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from kotally.balances b
    where b.location_id = p_location_id and b.contact_id = any (p_contact_ids)
    order by b.contact_id for no key update;
end;
$$;
