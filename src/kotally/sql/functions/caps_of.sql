-- The caps of the contact's plans that cover a calendar and product at a time, and how they stand
-- (S3.1).
create or replace function kotally.caps_of(
  p_location_id text, p_contact_id uuid, p_state kotally.spending, p_product_config_id text,
  p_calendar_id text, p_at timestamptz, p_now timestamptz
) returns json language sql stable as $$
  select coalesce(json_agg(u.usage order by n.entitlement_id, u.place), '[]')
    from unnest(p_state.plans) n
   cross join lateral kotally.cap_usage(p_location_id, p_contact_id, n, p_calendar_id, p_at, p_now) u
   where kotally.plan_covers(n, p_state.blockers, p_product_config_id, p_calendar_id, p_at, p_now)
$$;
