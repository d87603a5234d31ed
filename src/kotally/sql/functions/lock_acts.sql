-- Make the contacts that grants bring with them, then lock every contact of the batch. Contacts
-- are made in order of their names, and before any lock is held, so batches cannot deadlock.
-- Answers the contact of each act, null for one that is not known.
create or replace function kotally.lock_acts(p_location_id text, p_acts kotally.act[], p_is_suspended boolean, p_now timestamptz)
returns uuid[] language plpgsql as $$
declare
  v_contact_ids uuid[];
begin
  -- While the workspace's own billing is suspended every grant is refused, so nobody is made.
  if not p_is_suspended and exists (select from unnest(p_acts) a where a.operation = 'grant') then
    perform kotally.meet_contacts(p_location_id, p_acts, p_now);
  end if;
  v_contact_ids := array(
    select c.id from unnest(p_acts) with ordinality a
      left join kotally.contacts c
        on c.location_id = p_location_id and c.external_id = a.external_contact_id
     order by a.ordinality);
  perform kotally.lock_contacts(p_location_id, v_contact_ids);
  return v_contact_ids;
end;
$$;
