-- The args of an act for a booking: for whom, by whom, and from which lots; null for most.
create or replace function kotally.use_args(p_booking kotally.bookings)
returns text language sql immutable as $$
  select case when p_booking.beneficiary_id is not null or p_booking.lots <> '{}' then
    (jsonb_strip_nulls(jsonb_build_object(
       'beneficiary_id', p_booking.beneficiary_id, 'is_guest', p_booking.is_guest,
       'booked_at', p_booking.created_at,
       'lots', case when p_booking.lots <> '{}' then p_booking.lots end,
       'metadata', jsonb_build_object(
         'beneficiary_id', p_booking.beneficiary_id, 'booked_by', p_booking.booked_by,
         'is_guest', case when p_booking.beneficiary_id is not null then p_booking.is_guest end,
         'lots_reason', p_booking.lots_reason))))::text end
$$;
