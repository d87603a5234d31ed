-- Buckets of lots that are not what all entries of the lot come to.
create or replace function kotally.prove_lots(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set work_mem = '64MB' as $$
  select l.contact_id, l.id, null::bigint, 'lot_bucket', d.bucket, d.expected::text, d.found::text
    from kotally.lots l
    left join (
      select m.lot_id,
             sum(m.amount) filter (where m.bucket = 'issued') as issued,
             sum(m.amount) filter (where m.bucket = 'owed') as owed,
             sum(m.amount) filter (where m.bucket = 'available') as available,
             sum(m.amount) filter (where m.bucket = 'held') as held,
             sum(m.amount) filter (where m.bucket = 'consumed') as consumed,
             sum(m.amount) filter (where m.bucket = 'penalty') as penalty,
             sum(m.amount) filter (where m.bucket = 'expired') as expired,
             sum(m.amount) filter (where m.bucket = 'forfeited') as forfeited,
             sum(m.amount) filter (where m.bucket = 'revoked') as revoked,
             sum(m.amount) filter (where m.bucket = 'suspended') as suspended,
             sum(m.amount) filter (where m.bucket = 'transferred') as transferred
        from (
          -- Summed by movement first: what follows then sees a few rows per lot.
          select t.lot_id, b.bucket, b.amount
            from (
              select e.lot_id, e.from_bucket, e.to_bucket, sum(e.amount) as amount
                from kotally.entries e where e.location_id = p_location_id
               group by e.lot_id, e.from_bucket, e.to_bucket) t
           cross join lateral (values (t.from_bucket, -t.amount), (t.to_bucket, t.amount)) b (bucket, amount)
        ) m
       group by m.lot_id) s on s.lot_id = l.id
   cross join lateral (values
     (1, 'issued', -coalesce(s.issued, 0), l.issued), (2, 'owed', -coalesce(s.owed, 0), l.owed),
     (3, 'available', coalesce(s.available, 0), l.available), (4, 'held', coalesce(s.held, 0), l.held),
     (5, 'consumed', coalesce(s.consumed, 0), l.consumed), (6, 'penalty', coalesce(s.penalty, 0), l.penalty),
     (7, 'expired', coalesce(s.expired, 0), l.expired), (8, 'forfeited', coalesce(s.forfeited, 0), l.forfeited),
     (9, 'revoked', coalesce(s.revoked, 0), l.revoked), (10, 'suspended', coalesce(s.suspended, 0), l.suspended),
     (11, 'transferred', coalesce(s.transferred, 0), l.transferred)) d (rank, bucket, expected, found)
   where l.location_id = p_location_id and d.expected <> d.found
   order by l.contact_id, l.id, d.rank
   limit p_limit
$$;
