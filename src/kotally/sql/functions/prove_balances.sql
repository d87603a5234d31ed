-- Balances that are not the sums of the contact's lots, or whose head is not the last posting's.
create or replace function kotally.prove_balances(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set timezone = 'UTC' set work_mem = '64MB' as $$
  select c.id, null::uuid, p.seq, 'balance', d.figure, d.expected, d.found
    from (
      select b.contact_id as id from kotally.balances b where b.location_id = p_location_id
      union
      select l.contact_id from kotally.lots l where l.location_id = p_location_id
      union
      select p.contact_id from kotally.postings p where p.location_id = p_location_id) c
    left join kotally.balances b on b.location_id = p_location_id and b.contact_id = c.id
    left join (
      select o.contact_id, sum(o.available) as available, sum(o.held) as held,
             sum(o.suspended) as suspended, sum(o.owed) as owed
        from kotally.lots o where o.location_id = p_location_id
       group by o.contact_id) l on l.contact_id = c.id
    left join lateral (
      select t.seq, t.chain, t.recorded_at
        from kotally.postings t where t.location_id = p_location_id and t.contact_id = c.id
       order by t.seq desc limit 1) p on true
   cross join lateral (values
     (1, 'available', coalesce(l.available, 0)::text, b.available::text),
     (2, 'held', coalesce(l.held, 0)::text, b.held::text),
     (3, 'suspended', coalesce(l.suspended, 0)::text, b.suspended::text),
     (4, 'owed', coalesce(l.owed, 0)::text, b.owed::text),
     (5, 'seq', coalesce(p.seq, 0)::text, b.seq::text),
     (6, 'head', coalesce(encode(p.chain, 'hex'), repeat('00', 32)), encode(b.head, 'hex')),
     (7, 'posted_at', p.recorded_at::text, b.posted_at::text)) d (rank, figure, expected, found)
   where d.expected is distinct from d.found
   order by c.id, d.rank
   limit p_limit
$$;
