-- Until when a lot is good whose validity starts with a class of a local date; null is for ever
-- (S6.2, S6.4).
create or replace function kotally.started_expiry(p_rule jsonb, p_on date, p_timezone text)
returns timestamptz language sql stable as $$
  select case
    when p_rule ? 'months' then kotally.local_midnight(
      (p_on + make_interval(months => (p_rule ->> 'months')::integer))::date + 1, p_timezone)
    when p_rule ? 'days' then kotally.local_midnight(p_on + (p_rule ->> 'days')::integer + 1, p_timezone) end
$$;
