-- Payments whose credits are not what the grant postings issued into the lots of the payment, or
-- whose revoked credits are not what those lots hold as revoked and what could not be collected.
create or replace function kotally.prove_payments(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set work_mem = '64MB' as $$
  select y.contact_id, null::uuid, d.seq, d.rule, y.id::text, d.expected::text, d.found::text
    from kotally.payments y
    left join (
      select l.payment_id, min(e.seq) as seq, sum(e.amount) as amount
        from kotally.postings p
        join kotally.entries e
          on e.location_id = p_location_id and e.contact_id = p.contact_id and e.seq = p.seq
         and e.from_bucket = 'issued'
        join kotally.lots l on l.location_id = p_location_id and l.id = e.lot_id
       where p.location_id = p_location_id and p.kind = 'grant' and l.payment_id is not null
       group by l.payment_id) g on g.payment_id = y.id
    left join (
      select l.payment_id, sum(l.revoked) as revoked, sum(l.suspended) as suspended
        from kotally.lots l
       where l.location_id = p_location_id and l.payment_id is not null
         and (l.revoked > 0 or l.suspended > 0)
       group by l.payment_id) r on r.payment_id = y.id
   cross join lateral (values
     (1, 'payment_granted', g.seq, coalesce(g.amount, 0), y.credits_granted::bigint),
     (2, 'payment_revoked', null, coalesce(r.revoked, 0) + y.credits_uncollected, y.credits_revoked::bigint),
     (3, 'payment_suspended', null,
      case when y.is_disputed then coalesce(r.suspended, 0) else 0 end, coalesce(r.suspended, 0))
   ) d (rank, rule, seq, expected, found)
   where y.location_id = p_location_id and d.expected <> d.found
   order by y.contact_id, y.id, d.rank
   limit p_limit
$$;
