-- End a hold, once (S2.2): use it up or give it back. Codes: captured, released, HOLD_NOT_FOUND,
-- HOLD_ALREADY_CLOSED, and the refusals of kotally.fund when more is captured than was held.
create or replace function kotally.settle_hold(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz
) returns kotally.outcome language plpgsql as $$
declare
  v_hold kotally.holds;
  v_lost bigint;
begin
  select * into v_hold from kotally.holds h
   where h.location_id = p_location_id and h.id = p_act.hold_id and h.contact_id = p_contact_id;
  if not found then
    return (0, 'HOLD_NOT_FOUND', false, p_act.correlation_id, '{}')::kotally.outcome;
  end if;
  if v_hold.status <> 'held' then
    return (0, 'HOLD_ALREADY_CLOSED', false, p_act.correlation_id, json_build_object(
      'hold_id', v_hold.id, 'status', v_hold.status))::kotally.outcome;
  elsif p_act.operation = 'capture' then
    return kotally.capture(p_location_id, p_act, v_hold, p_now);
  end if;
  v_lost := kotally.give_back(p_location_id, p_act, v_hold, v_hold.amount, p_now);
  return (0, 'released', false, p_act.correlation_id, json_build_object(
    'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
    'contact_id', p_contact_id, 'hold_id', v_hold.id, 'credits_released', v_hold.amount - v_lost,
    'credits_expired', v_lost))::kotally.outcome;
end;
$$;
