-- Whether a lot is for a calendar and product at all, whatever the time; null asks for none.
create or replace function kotally.lot_fits(
  p_lot kotally.lots, p_product_config_id text, p_calendar_id text
) returns boolean language sql immutable as $$
  select coalesce(p_lot.product_config_id = p_product_config_id, true)
     and coalesce(p_lot.coverage ? p_calendar_id, true)
$$;
