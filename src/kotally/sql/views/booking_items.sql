-- What the API shows of each booking without a hold: one that waits for a place, for its next
-- period or for credits, or that was cancelled before anything was taken for it.
create or replace view kotally.booking_items as
select b.location_id, b.contact_id, b.id, b.created_at as placed_at, b.starts_at as at, b.status,
       row_to_json(i) as item, b.beneficiary_id
  from kotally.bookings b
 cross join lateral (
   select b.id, b.external_ref, b.calendar_id,
          coalesce(b.product_config_id, (
            select u.product_config_id from kotally.entitlements u
             where u.location_id = b.location_id and u.id = b.entitlement_id)) as product_config_id,
          b.entitlement_id, kotally.iso(b.starts_at) as appointment_time, b.status, b.credits,
          0 as credits_returned,
          kotally.iso(coalesce(b.original_starts_at, b.starts_at)
                      - make_interval(mins => b.cancel_window_minutes)) as cancel_free_until,
          kotally.iso(b.created_at) as booked_at, kotally.iso(b.settled_at) as closed_at,
          json_build_array() as slices, b.id as booking_id, b.class_ref, b.note,
          b.contact_id, b.beneficiary_id, b.booked_by, b.is_guest) i
 where b.hold_id is null;
