-- Remember what a request came to, beside the rows it wrote (S15.2).
create or replace function kotally.remember(
  p_location_id text, p_source text, p_request_id text, p_operation text, p_request_hash bytea,
  p_body text, p_code text, p_answer text, p_contact_id uuid, p_correlation_id uuid, p_now timestamptz
) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into kotally.requests (
    location_id, source, request_id, operation, request_hash, body, code, answer, contact_id,
    correlation_id, recorded_at)
  values (
    p_location_id, p_source, p_request_id, p_operation, p_request_hash, p_body::json, p_code,
    p_answer::json, p_contact_id, p_correlation_id,
    kotally.recorded_at(p_location_id, p_now))
$$;
