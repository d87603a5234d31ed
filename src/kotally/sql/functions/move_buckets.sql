-- Apply entries to the buckets of their lots. The table's checks refuse a bucket below zero and
-- a lot that does not sum to zero.
create or replace function kotally.move_buckets(p_location_id text, p_entries kotally.entries[])
returns void language sql volatile as $$
  update kotally.lots l
     set issued = l.issued - d.issued, owed = l.owed - d.owed,
         available = l.available + d.available, held = l.held + d.held,
         consumed = l.consumed + d.consumed, penalty = l.penalty + d.penalty,
         expired = l.expired + d.expired, forfeited = l.forfeited + d.forfeited,
         revoked = l.revoked + d.revoked, suspended = l.suspended + d.suspended,
         transferred = l.transferred + d.transferred,
         is_open = (l.available + d.available > 0 or l.held + d.held > 0
                    or l.suspended + d.suspended > 0 or l.owed - d.owed > 0)
    from (
      select e.lot_id,
        coalesce(sum(m.amount) filter (where m.bucket = 'issued'), 0) as issued,
        coalesce(sum(m.amount) filter (where m.bucket = 'owed'), 0) as owed,
        coalesce(sum(m.amount) filter (where m.bucket = 'available'), 0) as available,
        coalesce(sum(m.amount) filter (where m.bucket = 'held'), 0) as held,
        coalesce(sum(m.amount) filter (where m.bucket = 'consumed'), 0) as consumed,
        coalesce(sum(m.amount) filter (where m.bucket = 'penalty'), 0) as penalty,
        coalesce(sum(m.amount) filter (where m.bucket = 'expired'), 0) as expired,
        coalesce(sum(m.amount) filter (where m.bucket = 'forfeited'), 0) as forfeited,
        coalesce(sum(m.amount) filter (where m.bucket = 'revoked'), 0) as revoked,
        coalesce(sum(m.amount) filter (where m.bucket = 'suspended'), 0) as suspended,
        coalesce(sum(m.amount) filter (where m.bucket = 'transferred'), 0) as transferred
      from unnest(p_entries) e
     cross join lateral (values (e.from_bucket, -e.amount), (e.to_bucket, e.amount)) m (bucket, amount)
     group by e.lot_id) d
   where l.location_id = p_location_id and l.id = d.lot_id
$$;
