-- How credits of a hold go back to where they came from, last slice first (S4.3). A slice whose
-- lot has expired meanwhile comes back in a new lot of class `restored` with some days of grace,
-- or is lost if the grace is none (S4.4). What belongs to a period that has ended rolls over with
-- it, as far as its limits have room left (S7.6). A purchase that was refunded or is disputed, and a
-- debt, come before the member (S4.5). p_planned is what has been planned of the same posting before.
create or replace function kotally.plan_return(
  p_hold kotally.holds, p_from kotally.bucket, p_credits bigint, p_now timestamptz,
  p_by_studio boolean default false, p_planned kotally.new_entry[] default '{}'
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
    if v_lot.payment_id is not null or v_lot.class = 'advance' then
      v_late := case v_lot.class
        when 'advance' then kotally.pay_back_debt(
          v_lot, p_from, v_take, v_lot, p_planned || v_entries, p_now)
        else kotally.revoke_late(v_lot, p_from, v_take, p_planned || v_entries, p_now) end;
      v_lots := v_lots || v_late.lots;
      v_entries := v_entries || v_late.entries;
      v_take := v_take - (
        select coalesce(sum(e.amount), 0) from unnest(v_late.entries) e
         where e.lot_id = v_lot.id and e.from_bucket = p_from);
      continue when v_take = 0;
    end if;
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
      when p_by_studio then coalesce((
        select (v.rules ->> 'studio_restore_grace_days')::integer
          from kotally.product_versions v
         where v.location_id = p_hold.location_id and v.product_id = v_lot.product_config_id
           and v.version = v_lot.product_version), 14)
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
