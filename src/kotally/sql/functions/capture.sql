-- Use up a hold (S2.3). What is not captured goes back in reverse order of the slices; for more
-- than was held the difference is funded like a deduction first.
create or replace function kotally.capture(
  p_location_id text, p_act kotally.act, p_hold kotally.holds, p_now timestamptz
) returns kotally.outcome language plpgsql as $$
declare
  v_units bigint := coalesce(p_act.amount, p_hold.units);
  v_kept bigint := least(p_hold.amount, (v_units * p_hold.amount + p_hold.units - 1) / p_hold.units);
  -- What an unlimited plan paid for, it pays for however much it is.
  v_extra bigint := case when p_hold.amount = 0 then 0 else greatest(v_units - p_hold.units, 0) end;
  v_state kotally.spending;
  v_funding kotally.funding;
  v_return kotally.return_plan;
  v_lost bigint;  -- went back to a lot that has expired and has no days of grace (S4.4)
  v_entries kotally.new_entry[];
begin
  if v_extra > 0 then
    v_state := kotally.narrowed(
      p_location_id, p_hold.contact_id, kotally.spending_of(p_location_id, p_hold.contact_id, p_now),
      kotally.args_of_hold(p_hold));
    v_funding := kotally.fund(
      v_state.lots, v_state.available, v_state.blockers, p_hold.product_config_id,
      p_hold.calendar_id, v_extra, greatest(p_hold.appointment_at, p_now), p_now);
    if v_funding.code <> 'eligible' then
      return (0, v_funding.code, false, p_act.correlation_id, json_strip_nulls(json_build_object(
        'balance_after', v_funding.available, 'hold_id', p_hold.id,
        'short_by', case when v_funding.code = 'INSUFFICIENT_CREDITS'
          then v_funding.short_by end)))::kotally.outcome;
    end if;
  end if;
  v_return := kotally.plan_return(p_hold, 'held', p_hold.amount - v_kept, p_now);
  v_lost := (select coalesce(sum(e.amount), 0) from unnest(v_return.entries) e where e.to_bucket = 'expired');
  v_entries := kotally.plan_capture(p_hold, v_kept) || v_return.entries || array(
    select (s.lot_id, 'available', 'consumed', s.amount)::kotally.new_entry
      from unnest(v_funding.slices) s);
  if cardinality(v_entries) > 0 then
    perform kotally.post(p_location_id, p_now, array[kotally.posting_for(
      p_act, p_hold.contact_id, 'capture',
      case when v_kept < p_hold.amount then 'partial_attendance' else 'attended' end,
      p_now, p_hold.id, p_hold.placed_seq, v_entries)], v_return.lots);
  end if;
  update kotally.holds h
     set units = h.units + v_extra,
         amount = h.amount + coalesce(v_funding.taken, 0),
         captured = v_kept + coalesce(v_funding.taken, 0),
         released = h.amount - v_kept, status = 'captured', closed_at = p_now,
         is_live = v_kept > 0 or h.amount = 0
   where h.location_id = p_location_id and h.id = p_hold.id;
  perform kotally.start_lots(p_location_id, p_hold.id, p_now);
  perform kotally.follow_hold(p_location_id, p_hold.id, p_act, p_now);
  return (0, 'captured', false, p_act.correlation_id, json_build_object(
    'balance_after', kotally.visible_balance(p_location_id, p_hold.contact_id, p_now),
    'contact_id', p_hold.contact_id, 'hold_id', p_hold.id,
    'credits_captured', v_kept + coalesce(v_funding.taken, 0),
    'credits_released', p_hold.amount - v_kept - v_lost, 'credits_expired', v_lost))::kotally.outcome;
end;
$$;
