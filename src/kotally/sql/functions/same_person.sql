-- The contacts that are one person: this one, and those with the same e-mail or telephone, however
-- either is written.
create or replace function kotally.same_person(p_location_id text, p_contact_id uuid)
returns uuid[] language sql stable as $$
  select array(
    select p_contact_id
     union
    select o.id from kotally.contacts c
      join kotally.contacts o on o.location_id = p_location_id and lower(o.email) = lower(trim(c.email))
     where c.location_id = p_location_id and c.id = p_contact_id and c.email is not null
       and o.email is not null
     union
    select o.id from kotally.contacts c
      join kotally.contacts o
        on o.location_id = p_location_id
       and regexp_replace(o.phone, '[^0-9]', '', 'g') = nullif(regexp_replace(c.phone, '[^0-9]', '', 'g'), '')
     where c.location_id = p_location_id and c.id = p_contact_id and o.phone is not null)
$$;
