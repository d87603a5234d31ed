-- Whether a plan is good for a calendar and product at a time: active then, covering, not blocked.
-- Beyond the paid period an unlimited plan pays only while its renewal is in the days of grace
-- (S11.1); a capped one limits whatever its lots pay.
create or replace function kotally.plan_covers(
  p_plan kotally.plan, p_blockers kotally.blockers[], p_product_config_id text, p_calendar_id text,
  p_at timestamptz, p_now timestamptz
) returns boolean language sql immutable as $$
  select p_plan.starts_at <= p_at
     and coalesce(p_at < p_plan.ends_at, true)
     and coalesce(p_at < case
           when not p_plan.is_unlimited then 'infinity'::timestamptz
           when p_now >= p_plan.paid_until then p_plan.grace_until
           else p_plan.paid_until end, true)
     and kotally.is_for(p_plan.product_config_id, p_plan.coverage, p_product_config_id, p_calendar_id)
     and not kotally.is_blocked(p_blockers, p_plan.entitlement_id, null, p_at)
$$;
