-- What a deduction would come to now, by the contact's state as kotally.spending_of reads it; locks
-- and changes nothing (S3.6).
create or replace function kotally.check_eligibility(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_state kotally.spending,
  p_now timestamptz
) returns kotally.outcome language plpgsql stable as $$
declare
  v_state kotally.spending := p_state;
  v_at timestamptz := greatest(p_act.appointment_at, p_now);
  v_funding kotally.funding;
  v_answer text;
begin
  if p_contact_id is null then
    return (0, 'NO_ENTITLEMENT', false, p_act.correlation_id, json_build_object('balance_after', 0))::kotally.outcome;
  end if;
  if p_act.args is not null then
    v_state := kotally.narrowed(p_location_id, p_contact_id, v_state, p_act.args);
  end if;
  if v_state.plans is null then
    v_funding := kotally.fund(
      v_state.lots, v_state.available, v_state.blockers, p_act.product_config_id, p_act.calendar_id,
      p_act.amount, v_at, p_now);
  else
    v_funding := kotally.fund_by_plan(
      p_location_id, p_contact_id, v_state, p_act.product_config_id, p_act.calendar_id, p_act.amount, v_at, p_now);
  end if;
  if v_funding.code <> 'eligible' then
    v_funding.code := kotally.refusal(
      p_location_id, p_contact_id, v_funding.code, p_act.product_config_id, p_act.calendar_id, v_at, p_now);
    return (0, v_funding.code, false, p_act.correlation_id,
      kotally.refused(p_location_id, null, p_act.product_config_id, v_funding))::kotally.outcome;
  end if;
  v_answer := json_build_object(
    'balance_after', v_funding.available - v_funding.cost,
    'credits', v_funding.taken,
    'cancel_free_until', kotally.iso(p_act.appointment_at - make_interval(
      mins => coalesce(v_funding.cancel_window_minutes, (select l.cancel_window_minutes from kotally.location_of(p_location_id) l)))),
    'valid_as_of', kotally.iso(p_now),
    'funding', kotally.slices_json(v_funding.slices));
  if v_state.plans is not null then
    v_answer := left(v_answer, -1) || ', "caps" : ' || kotally.caps_of(
      p_location_id, p_contact_id, v_state, p_act.product_config_id, p_act.calendar_id, v_at, p_now) || '}';
  end if;
  return (0, 'eligible', false, p_act.correlation_id, v_answer)::kotally.outcome;
end;
$$;
