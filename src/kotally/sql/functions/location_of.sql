-- What a batch has to know of its location: the time there, whether the workspace's own billing
-- stops new movements, the time zone, and the default cancellation window (S4.1).
create or replace function kotally.location_of(p_location_id text)
returns table (now timestamptz, is_suspended boolean, timezone text, cancel_window_minutes integer)
language sql stable as $$
  select least(coalesce(l.clock_at, clock_timestamp()), kotally.as_of()), w.billing_status = 'suspended', l.timezone,
         l.cancel_window_minutes
    from kotally.locations l join kotally.workspaces w on w.id = l.workspace_id
   where l.id = p_location_id  -- location_id is the key of this table
$$;
