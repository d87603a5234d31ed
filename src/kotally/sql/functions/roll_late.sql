-- Roll over credits that were held when their lot rolled over and are released now: as if they had
-- been available at the boundary, as far as the limits had room left (S7.6). Answers the entries
-- and the lot of what rolls, which may be less than all or nothing.
create or replace function kotally.roll_late(
  p_lot kotally.lots, p_from kotally.bucket, p_amount bigint, p_now timestamptz
) returns kotally.return_plan language plpgsql volatile as $$
declare
  v_roll kotally.rolls;
  v_new kotally.lots;
  v_rolls bigint;
begin
  if not p_lot.rules ? 'rollover' then
    return ('{}', '{}')::kotally.return_plan;
  end if;
  select * into v_roll from kotally.rolls r
   where r.location_id = p_lot.location_id and r.lot_id = p_lot.id;
  v_rolls := least(
    (v_roll.base + v_roll.late + p_amount) * v_roll.percent / 100
      - (v_roll.base + v_roll.late) * v_roll.percent / 100,
    v_roll.room);
  if coalesce(v_rolls, 0) = 0 or v_roll.expires_at <= p_now then
    return ('{}', '{}')::kotally.return_plan;
  end if;
  update kotally.rolls r set late = r.late + p_amount, room = r.room - v_rolls
   where r.location_id = p_lot.location_id and r.lot_id = p_lot.id;
  v_new := kotally.restored_lot(p_lot, v_rolls, p_now);
  v_new.class := 'rollover';
  v_new.priority := 90;
  v_new.roll_count := p_lot.roll_count + 1;
  v_new.effective_at := v_roll.boundary_at;
  v_new.expires_at := v_roll.expires_at;
  if v_new.roll_count >= coalesce((p_lot.rules -> 'rollover' ->> 'max_rolls')::integer, 1) then
    v_new.rules := v_new.rules - 'rollover';
  end if;
  return (
    array[(p_lot.id, p_from, 'transferred', v_rolls)::kotally.new_entry,
          (v_new.id, 'issued', 'available', v_rolls)::kotally.new_entry],
    array[v_new])::kotally.return_plan;
end;
$$;
