-- What there is to say of a request that cannot be paid for: how many credits are missing, where
-- credits are what is missing, and that its product is not one of this location's.
create or replace function kotally.refused(
  p_location_id text, p_contact_id uuid, p_product_config_id text, p_funding kotally.funding
) returns json language sql stable as $$
  select case
    when p_funding.cap is not null then json_build_object(
      'balance_after', p_funding.available, 'cap', p_funding.cap)
    else json_strip_nulls(json_build_object(
      'contact_id', p_contact_id, 'balance_after', p_funding.available,
      'short_by', case when p_funding.code = 'INSUFFICIENT_CREDITS' then p_funding.short_by end,
      'detail', case when kotally.other_product(p_location_id, p_product_config_id) = 'CONFIG_NOT_FOUND'
        then format('There is no product config %s in this location.', p_product_config_id) end))
  end
$$;
