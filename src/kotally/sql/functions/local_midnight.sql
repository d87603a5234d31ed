-- The first instant of a local date (S14.3): a midnight that does not exist is the first instant
-- after the gap, one that exists twice is the first of the two.
create or replace function kotally.local_midnight(p_on date, p_timezone text)
returns timestamptz language plpgsql stable as $$
declare
  -- Of two equal local times PostgreSQL picks the later, and in a gap the clock as it was before.
  v_at timestamptz := p_on::timestamp at time zone p_timezone;
  v_day_before timestamptz := v_at - interval '24 hours';
  v_earlier timestamptz := v_at - (
    (v_day_before at time zone p_timezone) - (v_day_before at time zone 'UTC')
    - ((v_at at time zone p_timezone) - (v_at at time zone 'UTC')));
begin
  if v_at at time zone p_timezone = p_on::timestamp then
    return case when v_earlier at time zone p_timezone = p_on::timestamp
                then least(v_at, v_earlier) else v_at end;
  end if;
  -- A gap that began before midnight is left at its end, minutes earlier.
  while ((v_at - interval '1 minute') at time zone p_timezone)::date >= p_on loop
    v_at := v_at - interval '1 minute';
  end loop;
  return v_at;
end;
$$;
