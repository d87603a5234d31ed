-- The answer a request got before: the same again if operation and body are the same, a conflict
-- naming the first body if not, null if the request is new (S15.1).
create or replace function kotally.replay(p_location_id text, p_act kotally.act, p_ord integer)
returns kotally.outcome language sql stable as $$
  select case
    when r.request_hash = p_act.request_hash and r.operation = p_act.operation
      then (p_ord, r.code, true, r.correlation_id, r.answer::text)::kotally.outcome
    else (p_ord, 'IDEMPOTENCY_CONFLICT', false, p_act.correlation_id,
          json_build_object('operation', r.operation, 'body', r.body))::kotally.outcome
  end
  from kotally.requests r
  where r.location_id = p_location_id and r.source = p_act.source and r.request_id = p_act.request_id
$$;
