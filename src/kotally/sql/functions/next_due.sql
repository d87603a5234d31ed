-- When each sweep has to look at a location next; what is not listed has nothing waiting.
-- after: due_after
create or replace function kotally.next_due(p_location_id text)
returns table (sweep text, due_at timestamptz) language sql stable as $$
  select d.sweep, d.due_at from kotally.due_after(p_location_id, '-infinity') d
$$;
