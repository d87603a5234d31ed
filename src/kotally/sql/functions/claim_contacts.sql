-- Take the locks of those contacts that nobody else has, for a sweep: the others wait for the next
-- pass. Answers whom it got.
create or replace function kotally.claim_contacts(p_location_id text, p_contact_ids uuid[])
returns setof uuid language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select b.contact_id from kotally.balances b
   where b.location_id = p_location_id and b.contact_id = any (p_contact_ids)
   order by b.contact_id for no key update skip locked
$$;
