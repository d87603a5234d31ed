-- A contact's lots as the ledger knew them at a time, of which p_last_seq is the last posting: the
-- buckets are summed up anew from the entries, and later changes of the expiry are taken back.
create or replace function kotally.lots_as_of(
  p_location_id text, p_contact_id uuid, p_at timestamptz, p_last_seq bigint
) returns setof kotally.lots language sql stable as $$
  select (jsonb_populate_record(l, b.buckets || coalesce((
           select jsonb_build_object('expires_at', x.from_at)
             from kotally.expiry_changes x
            where x.location_id = p_location_id and x.lot_id = l.id and x.recorded_at > p_at
            order by x.recorded_at, x.id limit 1), '{}'))).*
    from (
      select m.lot_id,
             '{"issued": 0, "owed": 0, "available": 0, "held": 0, "consumed": 0, "penalty": 0,
               "expired": 0, "forfeited": 0, "revoked": 0, "suspended": 0, "transferred": 0}'
               || jsonb_object_agg(m.bucket, m.amount) as buckets
        from (
          select e.lot_id, s.bucket,
                 -- Issued and owed are the negative sides, kept as positive figures.
                 sum(case when s.bucket in ('issued', 'owed') then -s.amount else s.amount end) as amount
            from kotally.entries e
           cross join lateral (
             values (e.from_bucket, -e.amount::bigint), (e.to_bucket, e.amount::bigint)) s (bucket, amount)
           where e.location_id = p_location_id and e.contact_id = p_contact_id and e.seq <= p_last_seq
           group by e.lot_id, s.bucket) m
       group by m.lot_id) b
    join kotally.lots l on l.location_id = p_location_id and l.id = b.lot_id
$$;
