-- Let a booking follow its hold when that was ended by itself and not through the booking: used up
-- is attended, given back whole is cancelled. The caller holds the contact's lock.
create or replace function kotally.follow_hold(
  p_location_id text, p_hold_id uuid, p_act kotally.act, p_now timestamptz
) returns void language sql volatile as $$
  with followed as (
    update kotally.bookings b
       set status = case when h.is_live then 'attended' else 'cancelled' end,
           units = h.units, credits = greatest(b.credits, h.amount), closes_at = null,
           absence_reported_at = null, settled_at = p_now
      from kotally.holds h
     where b.location_id = p_location_id and b.hold_id = p_hold_id
       and h.location_id = p_location_id and h.id = p_hold_id and h.contact_id = b.contact_id
       and (b.status = 'booked' and (h.status <> 'captured' or not h.is_live or p_act.operation = 'capture')
            or b.status = 'attended' and not h.is_live)
    returning b.contact_id, b.beneficiary_id, b.entitlement_id, b.id, b.status, b.class_ref, b.starts_at
  )
  insert into kotally.happenings (
    location_id, id, contact_id, type, at, entitlement_id, details, source, actor, correlation_id,
    recorded_at)
  select p_location_id, kotally.new_id(), w.id, 'booking_' || f.status, r.at, f.entitlement_id,
         json_build_object('booking_id', f.id, 'class_ref', f.class_ref, 'starts_at', kotally.iso(f.starts_at)),
         p_act.source, p_act.actor, p_act.correlation_id, r.at
    from followed f
   cross join kotally.recorded_at(p_location_id, p_now) r (at)
   cross join lateral unnest(array_remove(array[f.contact_id, f.beneficiary_id], null)) w (id)
$$;
