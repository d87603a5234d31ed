-- The contact of an id in the caller's system, else of our own uuid; all null when unknown.
create or replace function kotally.find_contact(p_location_id text, p_reference text)
returns kotally.contacts language plpgsql stable as $$
declare
  v_contact kotally.contacts;
begin
  select * into v_contact from kotally.contacts c
   where c.location_id = p_location_id and c.external_id = p_reference;
  if not found and p_reference ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' then
    select * into v_contact from kotally.contacts c
     where c.location_id = p_location_id and c.id = p_reference::uuid;
  end if;
  return v_contact;
end;
$$;
