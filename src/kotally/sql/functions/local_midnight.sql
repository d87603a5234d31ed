-- The first instant of a local date (S14.3): a midnight that does not exist is the first instant
-- after the gap, one that exists twice is the first of the two.
create or replace function kotally.local_midnight(p_on date, p_timezone text)
returns timestamptz language plpgsql stable as $$
declare
  v_at timestamptz := p_on::timestamp at time zone p_timezone;
begin
  -- Of two equal local times PostgreSQL picks the later; no zone sets its clock back over
  -- midnight by anything but one hour, or half of one.
  if (v_at - interval '1 hour') at time zone p_timezone = p_on::timestamp then
    return v_at - interval '1 hour';
  elsif (v_at - interval '30 minutes') at time zone p_timezone = p_on::timestamp then
    return v_at - interval '30 minutes';
  end if;
  return v_at;
end;
$$;
