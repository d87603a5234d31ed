-- Tell that a booking which waited for its period could not be paid for by it; of one that had no
-- funds before there is no news.
create or replace function kotally.tell_unfunded(
  p_location_id text, p_booking kotally.bookings, p_why text, p_act kotally.act, p_now timestamptz
) returns void language sql volatile as $$
  update kotally.bookings b set note = p_why
   where b.location_id = p_location_id and b.id = p_booking.id;
  insert into kotally.happenings (
    location_id, id, contact_id, type, at, entitlement_id, details, source, actor, correlation_id,
    recorded_at)
  select p_location_id, kotally.new_id(), w.id, 'booking_unfunded', r.at,
         p_booking.entitlement_id,
         json_build_object('booking_id', p_booking.id,
                           'starts_at', kotally.iso(p_booking.starts_at), 'why', p_why),
         p_act.source, p_act.actor, p_act.correlation_id, r.at
    from unnest(array_remove(array[p_booking.contact_id, p_booking.beneficiary_id], null)) w (id)
   cross join kotally.recorded_at(p_location_id, p_now) r (at)
   where p_booking.status = 'provisional'
$$;
