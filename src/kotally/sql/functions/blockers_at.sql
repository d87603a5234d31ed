-- The contact's blockers that cover a time; empty when there are none, which is the rule.
create or replace function kotally.blockers_at(p_location_id text, p_contact_id uuid, p_at timestamptz)
returns kotally.blockers[] language plpgsql stable as $$
begin
  return array(
    select b from kotally.blockers b
     where b.location_id = p_location_id and b.contact_id = p_contact_id
       and b.starts_at <= p_at and (b.ends_at is null or b.ends_at > p_at));
end;
$$;
