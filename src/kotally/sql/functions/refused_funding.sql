-- What there is to say of a request that cannot be paid for.
create or replace function kotally.refused_funding(p_contact_id uuid, p_funding kotally.funding)
returns json language sql stable as $$
  select case
    when p_funding.cap is not null then json_build_object(
      'balance_after', p_funding.available, 'cap', p_funding.cap)
    when p_contact_id is null then json_build_object(
      'balance_after', p_funding.available, 'short_by', p_funding.short_by)
    else json_build_object(
      'contact_id', p_contact_id, 'balance_after', p_funding.available, 'short_by', p_funding.short_by)
  end
$$;
