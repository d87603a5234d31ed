-- Decide like kotally.fund for a contact with unlimited or capped plans: an unlimited plan with
-- room pays first and touches no lot (S1.2), the lots of a plan whose cap is reached pay nothing,
-- and a plan may let the contact owe what is missing (S11.5).
-- Codes: those of kotally.fund, and CAP_REACHED, which comes before the credits (S3.2).
create or replace function kotally.fund_by_plan(
  p_location_id text, p_contact_id uuid, p_state kotally.spending, p_product_config_id text,
  p_calendar_id text, p_units bigint, p_at timestamptz, p_now timestamptz
) returns kotally.funding language plpgsql stable as $$
declare
  v_plan kotally.plan;
  v_cap json;
  v_reached json;
  v_full uuid[] := '{}';
  v_ruled uuid[] := '{}';
  v_left bigint[];
  v_all kotally.funding := kotally.fund(
    p_state.lots, p_state.available, p_state.blockers, p_product_config_id, p_calendar_id, p_units,
    p_at, p_now);
  v_funding kotally.funding := v_all;
  v_advance kotally.funding;
  v_has_resting boolean := false;  -- a plan for this that is blocked, or not good at that time
begin
  foreach v_plan in array p_state.plans loop
    v_ruled := v_ruled || v_plan.entitlement_id;
    if not kotally.plan_covers(
        v_plan, p_state.blockers, p_product_config_id, p_calendar_id, p_at, p_now) then
      v_has_resting := v_has_resting
        or kotally.is_for(
             v_plan.product_config_id, v_plan.coverage, p_product_config_id, p_calendar_id)
           and coalesce(p_now < v_plan.ends_at, true);
      continue;
    end if;
    v_cap := kotally.cap_reached(p_location_id, p_contact_id, v_plan, p_calendar_id, p_at, p_now);
    if v_cap is not null then
      v_full := v_full || v_plan.entitlement_id;
      v_reached := coalesce(v_reached, v_cap);
    elsif v_plan.is_unlimited then
      return ('eligible', '{}', 0, v_all.available, 0, 0, v_plan.cancel_window_minutes,
              v_plan.entitlement_id, null)::kotally.funding;
    end if;
  end loop;
  if v_reached is not null then
    v_left := array(
      select case when l.entitlement_id = any (v_full) then 0 else p_state.available[l.ordinality] end
        from unnest(p_state.lots) with ordinality l order by l.ordinality);
    v_funding := kotally.fund(
      p_state.lots, v_left, p_state.blockers, p_product_config_id, p_calendar_id, p_units, p_at, p_now);
    if v_funding.code <> 'eligible' then
      return ('CAP_REACHED', '{}', 0, v_all.available, 0, null, null, null, v_reached)::kotally.funding;
    end if;
  end if;
  if v_funding.code <> 'eligible' then
    v_advance := kotally.fund_in_advance(
      p_location_id, p_contact_id, p_state, coalesce(v_left, p_state.available), p_product_config_id,
      p_calendar_id, p_units, p_at, p_now);
    if v_advance.code = 'eligible' then
      v_funding := v_advance;
    end if;
  end if;
  if v_funding.code = 'SERVICE_FAMILY_MISMATCH' and v_has_resting then
    v_funding.code := 'NO_ENTITLEMENT';
  end if;
  v_funding.available := v_all.available;
  if v_funding.code = 'eligible' and v_funding.slices[1].entitlement_id = any (v_ruled) then
    v_funding.entitlement_id := v_funding.slices[1].entitlement_id;
  end if;
  return v_funding;
end;
$$;
