-- The contact's blockers that have not ended yet; null when there are none, which is the rule.
create or replace function kotally.blockers_of(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns kotally.blockers[] language sql stable as $$
  select array_agg(b) from kotally.blockers b
   where b.location_id = p_location_id and b.contact_id = p_contact_id
     and (b.ends_at is null or b.ends_at > p_now)
$$;
