-- What the API shows of each booking: a hold for an appointment, or with a booking's reference.
-- `slices` are the lots that paid, also for what was used beyond the hold.
create or replace view kotally.appointment_items as
select h.location_id, h.contact_id, h.id, h.placed_at, coalesce(h.appointment_at, h.placed_at) as at,
       t.status,
       json_build_object(
         'id', h.id, 'external_ref', h.external_ref, 'calendar_id', h.calendar_id,
         'product_config_id', coalesce(h.product_config_id, s.product_config_ids[1]),
         'appointment_time', kotally.iso(h.appointment_at), 'status', t.status,
         'credits', h.amount,
         'credits_returned', case when t.has_lapsed then h.amount else h.released + h.returned end,
         'cancel_free_until', kotally.iso(
           h.appointment_at - make_interval(mins => h.cancel_window_minutes)),
         'booked_at', kotally.iso(h.placed_at), 'closed_at', kotally.iso(h.closed_at),
         'slices', coalesce(s.slices, '[]')) as item
  from kotally.holds h
 cross join lateral (
   -- A hold past its time counts as released, whether or not a sweep has passed (S2.5).
   select case when h.status = 'held' and h.lapses_at is not null
               then h.lapses_at <= kotally.location_now(h.location_id) else false end as has_lapsed
   offset 0) a
 cross join lateral (
   select a.has_lapsed,
          case when a.has_lapsed then 'released'
               when h.returned > 0 and not h.is_live then 'restored'
               else h.status end as status) t
 cross join lateral (
   select array_agg(o.product_config_id) as product_config_ids,
          json_agg(json_build_object(
            'entitlement_id', o.entitlement_id, 'lot_id', o.lot_id, 'amount', o.amount)) as slices
     from (
       select l.entitlement_id, l.product_config_id, e.lot_id, e.amount
         from kotally.entries e
         join kotally.lots l on l.location_id = e.location_id and l.id = e.lot_id
        where e.location_id = h.location_id and e.contact_id = h.contact_id
          and e.from_bucket = 'available'
          and e.seq = any (array(
            select h.placed_seq
             union all
            select c.seq from kotally.postings c
             where c.location_id = h.location_id and c.contact_id = h.contact_id
               and c.refers_to = h.placed_seq and c.kind = 'capture'))
        order by e.seq, e.line) o) s
 where h.external_ref is not null or h.appointment_at is not null;
