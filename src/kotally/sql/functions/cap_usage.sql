-- How each cap of a plan stands for one more booking at a time (S3.3): what it allows, how much is
-- booked in its fullest window, and when that ends.
create or replace function kotally.cap_usage(
  p_location_id text, p_contact_id uuid, p_plan kotally.plan, p_calendar_id text,
  p_at timestamptz, p_now timestamptz
) returns table (place bigint, is_full boolean, usage json) language sql stable as $$
  select distinct on (c.place) c.place, n.used >= (c.cap ->> 'count')::integer,
         json_build_object(
           'entitlement_id', p_plan.entitlement_id, 'window', c.cap ->> 'window',
           'count', (c.cap ->> 'count')::integer, 'used', n.used,
           'from', kotally.iso(kotally.local_midnight(lower(w.days), o.timezone)),
           'until', kotally.iso(kotally.local_midnight(upper(w.days), o.timezone)))
    from kotally.locations o
   cross join lateral jsonb_array_elements(p_plan.caps) with ordinality c (cap, place)
   cross join lateral kotally.cap_windows(
     c.cap, p_plan, (p_at at time zone o.timezone)::date,
     coalesce((o.settings ->> 'week_start')::integer, 1)) w (days)
   cross join lateral (
     select count(*) as used
       from kotally.plan_uses(
         p_location_id, p_contact_id, p_plan.entitlement_id, p_plan.beneficiary_id, o.timezone, p_now) u
      where u.on_date <@ w.days
        and (not c.cap ? 'calendars' or c.cap -> 'calendars' ? u.calendar_id)) n
   where o.id = p_location_id  -- location_id is the key of this table
     and coalesce(not c.cap ? 'calendars' or c.cap -> 'calendars' ? p_calendar_id, false)
   order by c.place, n.used desc, w.days
$$;
