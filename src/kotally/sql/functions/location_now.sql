-- The time of a location: real time, or a sandbox location's own clock.
create or replace function kotally.location_now(p_location_id text)
returns timestamptz language sql stable as $$
  select coalesce(l.clock_at, clock_timestamp()) from kotally.locations l
   where l.id = p_location_id  -- location_id is the key of this table
$$;
