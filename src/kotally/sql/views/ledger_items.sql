-- What the API shows of each posting. The entitlement, product and lot are those of its first
-- entry; all entries are in `slices`.
create or replace view kotally.ledger_items as
select p.location_id, p.contact_id, p.seq, p.recorded_at,
       json_build_object(
         'id', p.id, 'type', p.kind, 'amount', p.amount, 'balance_after', p.available_after,
         'reason_code', p.reason, 'source', p.source, 'actor', p.actor,
         'entitlement_id', s.entitlement_ids[1], 'product_config_id', s.product_config_ids[1],
         'lot_id', s.lot_ids[1], 'external_ref', p.external_ref, 'request_id', p.request_id,
         'correlation_id', p.correlation_id,
         'reverses', (
           select r.id from kotally.postings r
            where r.location_id = p.location_id and r.contact_id = p.contact_id
              and r.seq = p.refers_to),
         'effective_at', kotally.iso(p.effective_at), 'recorded_at', kotally.iso(p.recorded_at),
         'metadata', p.metadata, 'slices', coalesce(s.slices, '[]')) as item
  from kotally.postings p
 cross join lateral (
   select array_agg(o.entitlement_id) as entitlement_ids,
          array_agg(o.product_config_id) as product_config_ids, array_agg(o.lot_id) as lot_ids,
          json_agg(json_build_object(
            'entitlement_id', o.entitlement_id, 'lot_id', o.lot_id, 'amount', o.amount,
            'from', o.from_bucket, 'to', o.to_bucket)) as slices
     from (
       select l.entitlement_id, l.product_config_id, e.lot_id, e.amount, e.from_bucket, e.to_bucket
         from kotally.entries e
         join kotally.lots l on l.location_id = e.location_id and l.id = e.lot_id
        where e.location_id = p.location_id and e.contact_id = p.contact_id and e.seq = p.seq
        order by e.line) o) s;
