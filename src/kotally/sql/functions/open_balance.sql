-- Open the books of a contact that never bought: its row is the lock of what counts for it alone.
create or replace function kotally.open_balance(p_location_id text, p_contact_id uuid)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into kotally.balances (location_id, contact_id) values (p_location_id, p_contact_id)
      on conflict do nothing;
end;
$$;
