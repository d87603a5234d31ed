-- A bound in another time zone: one to come that is a local midnight becomes the same date's there;
-- what has passed, and what a provider set as an instant, stays (S14.5).
create or replace function kotally.in_zone(
  p_at timestamptz, p_from text, p_to text, p_now timestamptz
) returns timestamptz language sql stable as $$
  select case
    when p_at > p_now and p_at = kotally.local_midnight((p_at at time zone p_from)::date, p_from)
      then kotally.local_midnight((p_at at time zone p_from)::date, p_to)
    else p_at
  end
$$;
