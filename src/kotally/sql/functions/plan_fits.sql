-- Whether a plan is for a calendar and product at all, whatever the time; null asks for none.
create or replace function kotally.plan_fits(
  p_plan kotally.plan, p_product_config_id text, p_calendar_id text
) returns boolean language sql immutable as $$
  select coalesce(p_plan.product_config_id = p_product_config_id, true)
     and coalesce(p_plan.coverage ? p_calendar_id, true)
$$;
