-- When something that is done now is recorded: by the location's own clock, even while a sweep looks
-- at the location as of an earlier instant. What is read by the time it was recorded is never
-- written behind a reader's back.
create or replace function kotally.recorded_at(p_location_id text, p_now timestamptz)
returns timestamptz language sql stable as $$
  select case when kotally.as_of() is null then p_now else (
    select coalesce(l.clock_at, clock_timestamp()) from kotally.locations l
     where l.id = p_location_id) end  -- location_id is the key of this table
$$;
