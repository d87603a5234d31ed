-- The contact of a reference if something of it is due that the worker has not done, else null.
create or replace function kotally.contact_behind(p_location_id text, p_reference text)
returns uuid language sql stable as $$
  select c.id from kotally.find_contact(p_location_id, p_reference) c
   where kotally.is_behind(p_location_id, c.id, kotally.location_now(p_location_id))
$$;
