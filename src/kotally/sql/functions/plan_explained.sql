-- The verdict on an unlimited or capped plan for a request, in the order of S3.2, as a row of
-- kotally.explain: no lot, so no credits. `expires_at` is until when it pays.
create or replace function kotally.plan_explained(
  p_location_id text, p_contact_id uuid, p_plan kotally.plan, p_blockers kotally.blockers[],
  p_product_config_id text, p_calendar_id text, p_at timestamptz, p_now timestamptz
) returns json language plpgsql stable as $$
declare
  v_until timestamptz := least(p_plan.ends_at, case
    when not p_plan.is_unlimited then null
    when p_now >= p_plan.paid_until then p_plan.grace_until
    else p_plan.paid_until end);
  v_verdict text := case
    when kotally.is_blocked(p_blockers, p_plan.entitlement_id, null, p_at) then 'ENTITLEMENT_PAUSED'
    when v_until <= p_now then 'ENTITLEMENT_EXPIRED'
    when v_until <= p_at then 'EXPIRES_BEFORE_APPOINTMENT'
    when p_plan.starts_at > p_at then 'STARTS_AFTER_APPOINTMENT'
    when p_plan.product_config_id <> p_product_config_id
      then kotally.other_product(p_location_id, p_product_config_id)
    when not p_plan.coverage ? p_calendar_id then 'SERVICE_FAMILY_MISMATCH'
    when kotally.cap_reached(p_location_id, p_contact_id, p_plan, p_calendar_id, p_at, p_now) is not null
      then 'CAP_REACHED'
    else 'eligible' end;
begin
  return json_build_object(
    'lot_id', null, 'entitlement_id', p_plan.entitlement_id,
    'product_config_id', p_plan.product_config_id, 'verdict', v_verdict,
    'available', null, 'credits_per_unit', null,
    'effective_at', kotally.iso(p_plan.starts_at), 'expires_at', kotally.iso(v_until),
    'fix', kotally.nearest_fix(
      jsonb_populate_record(null::kotally.lots, jsonb_build_object(
        'expires_at', v_until, 'coverage', p_plan.coverage)), v_verdict, p_at));
end;
$$;
