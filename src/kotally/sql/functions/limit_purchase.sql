-- Why a purchase of a limited product is refused, or null; when the staff set the limit aside for a
-- reason, that is on the contact's timeline instead. The caller holds the contact's lock.
create or replace function kotally.limit_purchase(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz
) returns json language plpgsql as $$
declare
  v_args jsonb := p_act.args::jsonb;
  v_refused json;
begin
  if not v_args ? 'intro' then
    return null;
  end if;
  -- A person can have two contacts: one purchase of limited products at a time in a location.
  perform pg_catalog.pg_advisory_xact_lock(hashtextextended('limited:' || p_location_id, 0));
  v_refused := kotally.intro_refusal(
    p_location_id, p_contact_id, p_act.product_config_id, v_args, p_now);
  if v_refused is null or not v_args ? 'override_reason' then
    return v_refused;
  end if;
  insert into kotally.happenings (
    location_id, id, contact_id, type, at, entitlement_id, details, source, actor, correlation_id,
    recorded_at)
  values (
    p_location_id, kotally.new_id(), p_contact_id, 'purchase_limit_overridden', p_now,
    (v_args ->> 'entitlement_id')::uuid,
    json_build_object('rule', v_refused ->> 'rule', 'bought', (v_refused ->> 'bought')::integer,
                      'product_config_id', p_act.product_config_id,
                      'reason', v_args ->> 'override_reason'),
    p_act.source, p_act.actor, p_act.correlation_id, p_now);
  return null;
end;
$$;
