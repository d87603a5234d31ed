-- Whether something of a contact is due that the worker has not done (kotally.due_of).
create or replace function kotally.is_behind(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns boolean language sql stable as $$
  select exists (select from kotally.due_of(p_location_id, p_contact_id, p_now))
$$;
