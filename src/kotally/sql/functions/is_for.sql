-- Whether what is of a product and covers calendars is for those asked for, whatever the time; null
-- asks for none, and a null coverage covers every calendar.
create or replace function kotally.is_for(
  p_product_config_id text, p_coverage jsonb, p_asked_product text, p_asked_calendar text
) returns boolean language sql immutable as $$
  select coalesce(p_product_config_id = p_asked_product, true) and coalesce(p_coverage ? p_asked_calendar, true)
$$;
