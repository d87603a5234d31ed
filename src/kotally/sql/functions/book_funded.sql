-- Note on a booking that waited for credits what pays for it now, under the rules of that product.
create or replace function kotally.book_funded(
  p_location_id text, p_booking_id uuid, p_out kotally.outcome, p_act kotally.act, p_now timestamptz
) returns void language sql volatile as $$
  update kotally.bookings b
     set status = 'booked', hold_id = (p_out.answer::jsonb ->> 'hold_id')::uuid,
         entitlement_id = (p_out.answer::jsonb ->> 'entitlement_id')::uuid,
         credits = (p_out.answer::jsonb ->> 'credits')::bigint,
         cancel_window_minutes = coalesce((
           select h.cancel_window_minutes from kotally.holds h
            where h.location_id = p_location_id
              and h.id = (p_out.answer::jsonb ->> 'hold_id')::uuid), b.cancel_window_minutes),
         terms = coalesce((
           select v.rules -> 'attendance'
             from kotally.entitlements e
             join kotally.product_versions v
               on v.location_id = p_location_id and v.product_id = e.product_config_id
              and v.version = e.product_version
            where e.location_id = p_location_id
              and e.id = (p_out.answer::jsonb ->> 'entitlement_id')::uuid), b.terms)
   where b.location_id = p_location_id and b.id = p_booking_id;
  -- A class that was over before it was paid for settles at once, not before its credits came.
  update kotally.bookings b
     set closes_at = greatest(p_now, b.ends_at + make_interval(
           hours => coalesce((b.terms ->> 'auto_close_hours')::integer, 24)))
   where b.location_id = p_location_id and b.id = p_booking_id and b.absence_reported_at is null;
  insert into kotally.happenings (
    location_id, id, contact_id, type, at, entitlement_id, details, source, actor, correlation_id,
    recorded_at)
  select b.location_id, kotally.new_id(), w.id, 'booking_funded', r.at, b.entitlement_id,
         json_build_object('booking_id', b.id, 'starts_at', kotally.iso(b.starts_at), 'credits', b.credits),
         p_act.source, p_act.actor, p_act.correlation_id, r.at
    from kotally.bookings b
   cross join kotally.recorded_at(p_location_id, p_now) r (at)
   cross join lateral unnest(array_remove(array[b.contact_id, b.beneficiary_id], null)) w (id)
   where b.location_id = p_location_id and b.id = p_booking_id;
  insert into kotally.shared_uses (
    location_id, hold_id, owner_id, beneficiary_id, booked_by, entitlement_id, is_guest, used_at)
  select b.location_id, b.hold_id, b.contact_id, b.beneficiary_id, b.booked_by, b.entitlement_id,
         b.is_guest, p_now
    from kotally.bookings b
   where b.location_id = p_location_id and b.id = p_booking_id and b.beneficiary_id is not null
$$;
