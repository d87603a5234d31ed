-- A contact as the API shows it; both names of its id are the same one.
create or replace function kotally.contact_item(p_contact kotally.contacts)
returns json language sql stable as $$
  select json_build_object(
    'id', p_contact.id, 'ghl_contact_id', p_contact.external_id,
    'external_contact_id', p_contact.external_id, 'email', p_contact.email, 'name', p_contact.name,
    'phone', p_contact.phone, 'created_at', kotally.iso(p_contact.created_at))
$$;
