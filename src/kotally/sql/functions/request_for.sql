-- The row that remembers an act and its answer.
create or replace function kotally.request_for(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_outcome kotally.outcome, p_recorded_at timestamptz
) returns kotally.requests language sql stable as $$
  select (
    p_location_id, p_act.source, p_act.request_id, p_act.operation, p_act.request_hash,
    p_act.body::json, p_outcome.code, p_outcome.answer::json, p_contact_id, p_outcome.correlation_id,
    p_recorded_at)::kotally.requests
$$;
