-- The windows of a cap that a local date falls into, as ranges of dates (S3.3): one, or for rolling
-- days every run of so many days that holds the date. Weeks begin on the location's first day
-- (1 is Monday).
create or replace function kotally.cap_windows(
  p_cap jsonb, p_plan kotally.plan, p_on date, p_week_start integer
) returns setof daterange language sql immutable as $$
  select case p_cap ->> 'window'
    when 'day' then daterange(p_on, p_on + 1)
    when 'week' then daterange(
      p_on - (extract(isodow from p_on)::integer - p_week_start + 7) % 7,
      p_on - (extract(isodow from p_on)::integer - p_week_start + 7) % 7 + 7)
    when 'month' then daterange(
      date_trunc('month', p_on::timestamp)::date,
      (date_trunc('month', p_on::timestamp) + interval '1 month')::date)
    else kotally.period_bounds(p_plan.anchor_on, p_plan.period_months, p_on)
  end
   where p_cap ->> 'window' <> 'rolling'
  union all
  select daterange(p_on - n, p_on - n + coalesce((p_cap ->> 'days')::integer, 1))
    from generate_series(0, coalesce((p_cap ->> 'days')::integer, 1) - 1) n
   where p_cap ->> 'window' = 'rolling'
$$;
