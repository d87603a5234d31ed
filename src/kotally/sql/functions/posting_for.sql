-- The posting by which an act moves credits: its source, actor, key and correlation are the act's.
create or replace function kotally.posting_for(
  p_act kotally.act, p_contact_id uuid, p_kind text, p_reason text, p_effective_at timestamptz,
  p_hold_id uuid, p_refers_to bigint, p_entries kotally.new_entry[]
) returns kotally.new_posting language sql stable as $$
  select (
    p_contact_id, p_act.id, p_kind, p_reason, p_act.source, p_act.actor, p_act.request_id,
    0::smallint, p_act.correlation_id, p_effective_at, p_act.external_ref, p_hold_id, p_refers_to,
    p_act.args::json -> 'metadata', p_entries)::kotally.new_posting
$$;
