-- What the API shows of each hold for an appointment, with a reference or for somebody else: what
-- became of its booking, or of itself when it was taken without one. Bookings without a hold:
-- booking_items. `slices` are the lots that paid, also for what was used beyond the hold; none when
-- an unlimited plan paid, which is the entitlement then (S1.2). `contact_id` is whose credits paid;
-- readers show it to `beneficiary_id`, who comes instead, as well (S12.4).
create or replace view kotally.appointment_items as
select h.location_id, h.contact_id, h.id, h.placed_at, h.placed_seq,
       coalesce(h.appointment_at, h.placed_at) as at, t.status, j.item, u.beneficiary_id
  from kotally.holds h
  left join kotally.bookings b
    on b.location_id = h.location_id and b.contact_id = h.contact_id and b.hold_id = h.id
  left join kotally.shared_uses u on u.location_id = h.location_id and u.hold_id = h.id
 cross join lateral (
   -- A hold past its time counts as released, whether or not a sweep has passed (S2.5).
   select case when b.id is not null then b.status
               when h.status = 'held' and h.lapses_at is not null
                    and h.lapses_at <= kotally.location_now(h.location_id) then 'released'
               when h.status in ('captured', 'penalised') and not h.is_live then 'restored'
               else h.status end as status) t
 cross join lateral (
   select array_agg(o.product_config_id) as product_config_ids,
          array_agg(o.entitlement_id) as entitlement_ids, json_agg(row_to_json(o)) as slices
     from (
       select l.entitlement_id, e.lot_id, l.product_config_id, e.amount
         from kotally.entries e
         join kotally.lots l on l.location_id = e.location_id and l.id = e.lot_id
        where e.location_id = h.location_id and e.contact_id = h.contact_id
          and e.from_bucket = 'available'
          -- A booking that was settled anew was used up, or forfeited, more than once.
          and e.seq = any (h.placed_seq || array(
            select c.seq from kotally.postings c
             where h.closed_at > h.placed_at and c.location_id = h.location_id
               and c.contact_id = h.contact_id and c.refers_to = h.placed_seq
               and c.kind in ('capture', 'penalty')))
        order by e.seq, e.line) o) s
 cross join lateral (
   select row_to_json(i) as item
     from (
       select h.id, h.external_ref, h.calendar_id,
              coalesce(h.product_config_id, s.product_config_ids[1], (
                select u.product_config_id from kotally.entitlements u
                 where u.location_id = h.location_id and u.id = h.entitlement_id))
                as product_config_id,
              coalesce(s.entitlement_ids[1], h.entitlement_id) as entitlement_id,
              kotally.iso(h.appointment_at) as appointment_time, t.status, h.amount as credits,
              case when t.status = 'released' then h.amount
                   else h.released + h.returned
              end as credits_returned,
              kotally.iso(coalesce(b.original_starts_at, h.appointment_at)
                          - make_interval(mins => h.cancel_window_minutes)) as cancel_free_until,
              kotally.iso(h.placed_at) as booked_at, kotally.iso(h.closed_at) as closed_at,
              coalesce(s.slices, '[]') as slices, b.id as booking_id, b.class_ref, b.note,
              h.contact_id, u.beneficiary_id, u.booked_by, coalesce(u.is_guest, false) as is_guest) i) j
 where h.external_ref is not null or h.appointment_at is not null or h.is_lent;
