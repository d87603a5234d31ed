-- The locations where a sweep has work now, each by its own clock, most overdue first.
create or replace function kotally.work_due(p_limit integer)
returns table (location_id text, sweep text, due_at timestamptz) language sql stable as $$
  select l.id, d.sweep, d.due_at
    from kotally.locations l
   cross join lateral kotally.next_due(l.id) d
   where d.due_at <= coalesce(l.clock_at, clock_timestamp())
   order by d.due_at
   limit p_limit
$$;
