-- Why what is held of another product cannot pay: OTHER_PRODUCT, or CONFIG_NOT_FOUND when the
-- location has no product of that id at all. Null when no product was asked for.
create or replace function kotally.other_product(p_location_id text, p_product_config_id text)
returns text language sql stable as $$
  select case
    when exists (
      select from kotally.products p where p.location_id = p_location_id and p.id = p_product_config_id)
      then 'OTHER_PRODUCT'
    when p_product_config_id is not null then 'CONFIG_NOT_FOUND'
  end
$$;
