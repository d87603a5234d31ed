-- Decide a deduction or a hold against the contact's state and move the state on; the caller
-- writes the posting and the hold. Codes: deducted, held, and the refusals of kotally.fund.
create or replace function kotally.take(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_state kotally.spending,
  p_now timestamptz, p_window_minutes integer
) returns kotally.spending language plpgsql stable as $$
declare
  v_state kotally.spending := p_state;
  v_is_hold boolean := p_act.operation = 'hold';
  -- A past class is judged as of now: what has expired since can only be used by staff (S6.7).
  v_at timestamptz := greatest(p_act.appointment_at, p_now);
  v_funding kotally.funding;
  v_slice kotally.slice;
  v_is_owed boolean;  -- paid in advance (S11.5)
  v_entries kotally.new_entry[] := '{}';
  v_paid text := '';  -- the slices, as JSON
begin
  v_state.posting := null;
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
    v_state.code := v_funding.code;
    v_state.answer := kotally.refused(p_location_id, p_contact_id, p_act.product_config_id, v_funding);
    return v_state;
  end if;
  foreach v_slice in array v_funding.slices loop
    v_is_owed := v_slice.place > coalesce(cardinality(v_state.lots), 0);
    if not v_is_owed then
      v_state.available[v_slice.place] := v_state.available[v_slice.place] - v_slice.amount;
    end if;
    v_entries := v_entries || (
      v_slice.lot_id, case when v_is_owed then 'owed' else 'available' end,
      case when v_is_hold then 'held' else 'consumed' end,
      v_slice.amount)::kotally.new_entry;
    v_paid := v_paid || ',{"entitlement_id":"' || v_slice.entitlement_id || '","lot_id":"' || v_slice.lot_id
                     || '","amount":' || v_slice.amount || '}';
  end loop;
  v_state.seq := v_state.seq + (v_funding.taken > 0)::integer;
  v_state.code := case when v_is_hold then 'held' else 'deducted' end;
  v_state.posting := kotally.posting_for(
    p_act, p_contact_id, p_act.operation, 'booking', p_now, p_act.id, null, v_entries);
  v_state.hold := (
    p_location_id, p_act.id, p_contact_id, p_act.external_ref, p_act.product_config_id,
    p_act.calendar_id, p_act.amount, v_funding.taken, case when v_is_hold then 0 else v_funding.taken end,
    0, 0, 0, case when v_is_hold then 'held' else 'captured' end, true, p_act.appointment_at, null,
    p_now + make_interval(secs => (p_act.args::jsonb ->> 'ttl_seconds')::integer),
    coalesce(v_funding.cancel_window_minutes, p_window_minutes),
    case when v_funding.taken > 0 then v_state.seq end, p_now,
    case when v_is_hold then null else p_now end, v_funding.entitlement_id,
    coalesce(p_act.args::jsonb ? 'beneficiary_id', false))::kotally.holds;
  -- Ids and numbers need no escapes, and to build this as JSON would cost more than to decide.
  v_state.answer := '{"balance_after":' || v_funding.available - v_funding.cost || ',"entitlement_id":"'
    || coalesce(v_funding.slices[1].entitlement_id, v_funding.entitlement_id) || '","contact_id":"'
    || p_contact_id || '","hold_id":"' || p_act.id || '","credits":' || v_funding.taken
    || ',"slices":[' || substr(v_paid, 2) || ']}';
  return v_state;
end;
$$;
