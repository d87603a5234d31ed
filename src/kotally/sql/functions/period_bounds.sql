-- The local dates [from, to) of the period that a date falls into; without an anchor all time.
create or replace function kotally.period_bounds(p_anchor_on date, p_months integer, p_on date)
returns daterange language sql immutable as $$
  select case when p_anchor_on is null then daterange(null, null) else (
    select daterange(
             (p_anchor_on + make_interval(months => n * p_months))::date,
             (p_anchor_on + make_interval(months => (n + 1) * p_months))::date)
      from (
        select ((extract(year from p_on) - extract(year from p_anchor_on)) * 12
                + extract(month from p_on) - extract(month from p_anchor_on))::integer / p_months as at) a
     cross join generate_series(a.at - 1, a.at) n
     where (p_anchor_on + make_interval(months => n * p_months))::date <= p_on
     order by n desc limit 1) end
$$;
