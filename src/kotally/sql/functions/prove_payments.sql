-- Payments whose credits are not what the grant postings issued into the lots of the payment.
create or replace function kotally.prove_payments(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set work_mem = '64MB' as $$
  select y.contact_id, null::uuid, g.seq, 'payment_granted', y.id::text,
         coalesce(g.amount, 0)::text, y.credits_granted::text
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
   where y.location_id = p_location_id and y.credits_granted <> coalesce(g.amount, 0)
   order by y.contact_id, y.id
   limit p_limit
$$;
