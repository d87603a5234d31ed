-- Decide how `p_units` would be paid for, without touching anything (S1). Check, explain, preview
-- and commit all ask here, so they agree (S1.7). `p_left` is what each lot still has, in the same
-- order: a batch passes what its earlier acts have left.
-- Codes: eligible, INSUFFICIENT_CREDITS, SERVICE_FAMILY_MISMATCH, NO_ENTITLEMENT. Without a lot
-- that fits, INSUFFICIENT_CREDITS and NO_ENTITLEMENT are told apart by kotally.refusal.
create or replace function kotally.fund(
  p_lots kotally.lots[], p_left bigint[], p_blockers kotally.blockers[],
  p_product_config_id text, p_calendar_id text, p_units bigint, p_at timestamptz, p_now timestamptz
) returns kotally.funding language plpgsql stable as $$
declare
  v_lot kotally.lots;
  v_place integer := 0;
  v_verdict text;
  v_slices kotally.slice[] := '{}';
  v_taken bigint := 0;
  v_available bigint := 0;
  v_is_seen boolean;
  v_cost bigint := 0;  -- what is paused now and can be used then costs no balance
  v_units bigint := p_units;  -- what is still to be paid is v_units / v_parts of a unit
  v_parts bigint := 1;
  v_weight bigint := 1;
  v_needed bigint;
  v_take bigint;
  v_has_eligible boolean := false;
  v_has_other boolean := false;
  v_has_resting boolean := false;  -- would fit, but is blocked or not good at that time
  v_window integer;
begin
  foreach v_lot in array coalesce(p_lots, '{}') loop
    v_place := v_place + 1;
    v_is_seen := not kotally.is_expired(v_lot, p_now)
      and (p_blockers is null or not kotally.is_blocked(p_blockers, v_lot.entitlement_id, v_lot.id, p_now));
    if v_is_seen then
      v_available := v_available + p_left[v_place];
    end if;
    v_verdict := kotally.lot_verdict(
      v_lot,
      p_blockers is not null and kotally.is_blocked(p_blockers, v_lot.entitlement_id, v_lot.id, p_at),
      p_product_config_id, p_calendar_id, p_at, p_now);
    if v_verdict in ('OTHER_PRODUCT', 'SERVICE_FAMILY_MISMATCH') then
      v_has_other := v_has_other or p_left[v_place] > 0;
    elsif v_verdict not in ('eligible', 'ENTITLEMENT_EXPIRED') then
      v_has_resting := v_has_resting or p_left[v_place] > 0 and kotally.is_for(
        v_lot.product_config_id, v_lot.coverage, p_product_config_id, p_calendar_id);
    end if;
    continue when v_verdict <> 'eligible';
    v_has_eligible := true;
    continue when v_units = 0 or p_left[v_place] = 0;
    -- Lots may ask different weights for the calendar, so the rest is kept as a fraction.
    v_weight := kotally.lot_weight(v_lot, p_calendar_id);
    v_needed := (v_units * v_weight + v_parts - 1) / v_parts;
    v_take := least(p_left[v_place], v_needed);
    v_slices := v_slices || (v_place, v_lot.id, v_lot.entitlement_id, v_take)::kotally.slice;
    v_taken := v_taken + v_take;
    if v_is_seen then
      v_cost := v_cost + v_take;
    end if;
    v_window := coalesce(v_window, v_lot.cancel_window_minutes);
    if v_take = v_needed then
      v_units := 0;
    else
      v_units := v_units * v_weight - v_take * v_parts;
      v_parts := v_parts * v_weight;
      v_weight := gcd(v_units, v_parts);
      v_units := v_units / v_weight;
      v_parts := v_parts / v_weight;
      v_weight := kotally.lot_weight(v_lot, p_calendar_id);
    end if;
  end loop;
  if v_units = 0 then
    return ('eligible', v_slices, v_taken, v_available, v_cost, 0, v_window, null, null)::kotally.funding;
  end if;
  -- All or nothing (S1.5).
  return (
    case when v_has_eligible then 'INSUFFICIENT_CREDITS'
         -- A blocker and the time come before the calendar (S3.2).
         when v_has_other and not v_has_resting then 'SERVICE_FAMILY_MISMATCH'
         else 'NO_ENTITLEMENT' end,
    '{}', 0, v_available, 0, (v_units * v_weight + v_parts - 1) / v_parts, null, null, null)::kotally.funding;
end;
$$;
