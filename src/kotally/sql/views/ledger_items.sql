-- What the API shows of each posting. The entitlement, product and lot are those of its first
-- entry; all entries are in `slices`.
create or replace view kotally.ledger_items as
select p.location_id, p.contact_id, p.seq, p.id, p.kind as type, p.hold_id, p.recorded_at, j.item
  from kotally.postings p
 cross join lateral (
   select array_agg(o.entitlement_id) as entitlement_ids,
          array_agg(o.product_config_id) as product_config_ids, array_agg(o.lot_id) as lot_ids,
          json_agg(row_to_json(o)) as slices
     from (
       select l.entitlement_id, e.lot_id, l.product_config_id, e.amount,
              e.from_bucket as "from", e.to_bucket as "to"
         from kotally.entries e
         join kotally.lots l on l.location_id = e.location_id and l.id = e.lot_id
        where e.location_id = p.location_id and e.contact_id = p.contact_id and e.seq = p.seq
        order by e.line) o) s
 cross join lateral (
   select row_to_json(i) as item
     from (
       select p.id, p.kind as type, p.amount, p.available_after as balance_after,
              p.reason as reason_code, p.source, p.actor, s.entitlement_ids[1] as entitlement_id,
              s.product_config_ids[1] as product_config_id, s.lot_ids[1] as lot_id,
              p.external_ref, p.request_id, p.correlation_id,
              (select r.id from kotally.postings r
                where r.location_id = p.location_id and r.contact_id = p.contact_id
                  and r.seq = p.refers_to) as reverses,
              kotally.iso(p.effective_at) as effective_at,
              kotally.iso(p.recorded_at) as recorded_at,
              p.metadata, coalesce(s.slices, '[]') as slices) i) j;
