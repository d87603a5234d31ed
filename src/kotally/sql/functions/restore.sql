-- Give back a deduction, or a part of it (S4). Codes: restored, CANCELLATION_WINDOW_EXPIRED,
-- ALREADY_RESTORED, NOTHING_TO_RESTORE: if somebody else's credits paid for the booking, with whose.
create or replace function kotally.restore(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz
) returns kotally.outcome language plpgsql as $$
declare
  v_hold kotally.holds := kotally.hold_to_restore(p_location_id, p_act, p_contact_id);
  v_free_until timestamptz;
  v_left bigint;
  v_is_forfeited boolean;
  v_credits bigint;
  v_lost bigint;
  v_first uuid;
begin
  if v_hold.id is null then
    return (0, 'NOTHING_TO_RESTORE', false, p_act.correlation_id, json_strip_nulls(json_build_object(
      'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
      'owner_contact_id', (
        select c.external_id from kotally.shared_uses u
          join kotally.holds h on h.location_id = p_location_id and h.id = u.hold_id
          join kotally.contacts c on c.location_id = p_location_id and c.id = u.owner_id
         where u.location_id = p_location_id and u.beneficiary_id = p_contact_id
           and h.external_ref = p_act.external_ref and h.is_live
         order by h.id limit 1))))::kotally.outcome;
  end if;
  v_first := kotally.first_entitlement(v_hold);
  v_left := greatest(v_hold.amount - v_hold.released - v_hold.penalised - v_hold.returned, 0);
  v_free_until := coalesce(p_act.appointment_at, v_hold.appointment_at)
                  - make_interval(mins => v_hold.cancel_window_minutes);
  -- What a late cancellation or an absence forfeited is not back.
  v_is_forfeited := v_left = 0 and v_hold.is_live and v_hold.penalised > 0;
  if v_left = 0 and not v_is_forfeited and (v_hold.amount > 0 or not v_hold.is_live) then
    return (0, 'ALREADY_RESTORED', false, p_act.correlation_id, json_build_object(
      'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
      'entitlement_id', v_first, 'contact_id', p_contact_id, 'hold_id', v_hold.id,
      'credits_restored', v_hold.released + v_hold.returned))::kotally.outcome;
  end if;
  -- Equality is free, and the window is elapsed time (S4.1).
  if v_is_forfeited or p_now > v_free_until then
    return (0, 'CANCELLATION_WINDOW_EXPIRED', false, p_act.correlation_id, json_build_object(
      'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
      'entitlement_id', v_first, 'hold_id', v_hold.id, 'cancel_free_until', kotally.iso(v_free_until),
      'cancelled_at', kotally.iso(p_now)))::kotally.outcome;
  end if;
  -- Units cost what they cost when they were taken; never more comes back than was taken (S4.3).
  v_credits := least(v_left, (p_act.amount * v_hold.amount + v_hold.units - 1) / v_hold.units);
  v_lost := kotally.give_back(p_location_id, p_act, v_hold, v_credits, p_now);
  return (0, 'restored', false, p_act.correlation_id, json_build_object(
    'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
    'entitlement_id', v_first, 'contact_id', p_contact_id, 'hold_id', v_hold.id,
    'credits_restored', v_credits - v_lost, 'credits_expired', v_lost,
    'cancel_free_until', kotally.iso(v_free_until)))::kotally.outcome;
end;
$$;
