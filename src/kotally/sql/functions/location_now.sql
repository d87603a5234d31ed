-- The time of a location: real time, or a sandbox location's own clock; an earlier instant for a
-- sweep that comes late (kotally.as_of).
create or replace function kotally.location_now(p_location_id text)
returns timestamptz language sql stable as $$
  select least(coalesce(l.clock_at, clock_timestamp()), kotally.as_of()) from kotally.locations l
   where l.id = p_location_id  -- location_id is the key of this table
$$;
