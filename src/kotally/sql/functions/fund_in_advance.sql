-- Decide like kotally.fund with what a plan lets the contact owe after everything there is (S11.5).
-- What is owed is the slice whose place is behind the last lot, and costs the balance nothing.
create or replace function kotally.fund_in_advance(
  p_location_id text, p_contact_id uuid, p_state kotally.spending, p_left bigint[],
  p_product_config_id text, p_calendar_id text, p_units bigint, p_at timestamptz, p_now timestamptz
) returns kotally.funding language plpgsql stable as $$
declare
  v_lot kotally.lots := kotally.advance_lot(
    p_location_id, p_contact_id, p_state, p_product_config_id, p_calendar_id, p_at, p_now);
  v_funding kotally.funding;
begin
  if v_lot.id is null then
    return null;
  end if;
  v_funding := kotally.fund(
    p_state.lots || v_lot, p_left || v_lot.available::bigint, p_state.blockers, p_product_config_id,
    p_calendar_id, p_units, p_at, p_now);
  -- While its plan is paused the lot was not counted.
  if not coalesce(kotally.is_blocked(p_state.blockers, v_lot.entitlement_id, v_lot.id, p_now), false) then
    v_funding.available := v_funding.available - v_lot.available;
    v_funding.cost := v_funding.cost - coalesce((
      select s.amount from unnest(v_funding.slices) s where s.lot_id = v_lot.id), 0);
  end if;
  return v_funding;
end;
$$;
