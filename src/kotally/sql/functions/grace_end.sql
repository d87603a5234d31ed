-- Until when a membership whose renewal is not paid goes on as it was, by its product's rules (S11.1).
create or replace function kotally.grace_end(p_period_ends_at timestamptz, p_rules jsonb, p_timezone text)
returns timestamptz language sql stable as $$
  select kotally.add_local_days(
    p_period_ends_at, coalesce((p_rules #>> '{arrears,grace_days}')::integer, 3), p_timezone)
$$;
