-- How credits of a hold go back to where they came from, last slice first (S4.3). A slice whose
-- lot has expired meanwhile comes back in a new lot of class `restored` with some days of grace,
-- or is lost if the grace is none (S4.4). What belongs to a period that has ended rolls over with
-- it, as far as its limits have room left (S7.6).
create or replace function kotally.plan_return(
  p_hold kotally.holds, p_from kotally.bucket, p_credits bigint, p_now timestamptz,
  p_by_studio boolean default false
) returns kotally.return_plan language plpgsql volatile as $$
declare
  v_left bigint := p_credits;
  v_grace_days integer;
  v_take bigint;
  v_slice record;
  v_lot kotally.lots;
  v_new kotally.lots;
  v_late kotally.return_plan;
  v_lots kotally.lots[] := '{}';
  v_entries kotally.new_entry[] := '{}';
begin
  for v_slice in select * from kotally.hold_slices(p_hold, p_from) s order by s.place desc loop
    exit when v_left = 0;
    v_take := least(v_left, v_slice.amount);
    v_left := v_left - v_take;
    select * into v_lot from kotally.lots l
     where l.location_id = p_hold.location_id and l.id = v_slice.lot_id;
    if not kotally.is_expired(v_lot, p_now) or kotally.awaits_roll(v_lot) then
      v_entries := v_entries || (v_lot.id, p_from, 'available', v_take)::kotally.new_entry;
      continue;
    end if;
    v_late := kotally.roll_late(v_lot, p_from, v_take, p_now);
    v_lots := v_lots || v_late.lots;
    v_entries := v_entries || v_late.entries;
    v_take := v_take - coalesce(v_late.entries[1].amount, 0);
    -- The studio gives more days when it was the one that cancelled.
    v_grace_days := case
      when p_by_studio then coalesce((v_lot.rules ->> 'studio_restore_grace_days')::integer, 14)
      else v_lot.restore_grace_days end;
    if v_take = 0 then
      continue;
    elsif v_grace_days = 0 then
      v_entries := v_entries || (v_lot.id, p_from, 'expired', v_take)::kotally.new_entry;
    else
      v_new := kotally.restored_lot(v_lot, v_take, p_now, v_grace_days);
      v_lots := v_lots || v_new;
      v_entries := v_entries || (v_lot.id, p_from, 'transferred', v_take)::kotally.new_entry
                             || (v_new.id, 'issued', 'available', v_take)::kotally.new_entry;
    end if;
  end loop;
  return (v_entries, v_lots)::kotally.return_plan;
end;
$$;
