-- A deduction or a hold decided and written by itself: after acts that changed what was read at
-- the start of the batch, and for a booking that has its credits already (DUPLICATE_EVENT, with
-- the ids of the first).
create or replace function kotally.take_now(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz,
  p_part smallint default 0
) returns kotally.outcome language plpgsql as $$
declare
  v_hold kotally.holds;
  v_state kotally.spending;
begin
  select * into v_hold from kotally.holds h
   where h.location_id = p_location_id and h.contact_id = p_contact_id
     and h.external_ref = p_act.external_ref and h.is_live;
  if found then
    return (0, 'DUPLICATE_EVENT', false, p_act.correlation_id, json_build_object(
      'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
      'entitlement_id', kotally.first_entitlement(v_hold), 'contact_id', p_contact_id,
      'hold_id', v_hold.id, 'credits', v_hold.amount))::kotally.outcome;
  end if;
  v_state := kotally.spending_of(p_location_id, p_contact_id, p_now);
  if p_act.args is not null then
    v_state := kotally.narrowed(p_location_id, p_contact_id, v_state, p_act.args);
  end if;
  v_state := kotally.take(
    p_location_id, p_act, p_contact_id, v_state, p_now,
    (select l.cancel_window_minutes from kotally.location_of(p_location_id) l));
  if v_state.code in ('deducted', 'held') then
    v_state.posting.part := p_part;
    perform kotally.open_advance(p_location_id, p_contact_id, v_state, p_now);
    -- What an unlimited plan pays moves nothing.
    perform kotally.enter(
      p_location_id, p_now,
      case when (v_state.hold).amount > 0 then array[v_state.posting] else '{}' end,
      array[v_state.hold]);
    perform kotally.start_lots(p_location_id, (v_state.hold).id, p_now);
  end if;
  return (0, v_state.code, false, p_act.correlation_id, v_state.answer)::kotally.outcome;
end;
$$;
