-- The first cap of a plan that has no room for one more booking at a time, or null (S3.3).
create or replace function kotally.cap_reached(
  p_location_id text, p_contact_id uuid, p_plan kotally.plan, p_calendar_id text,
  p_at timestamptz, p_now timestamptz
) returns json language sql stable as $$
  select u.usage
    from kotally.cap_usage(p_location_id, p_contact_id, p_plan, p_calendar_id, p_at, p_now) u
   where u.is_full
   order by u.place limit 1
$$;
