-- What is wrong with the postings of a location, first row first: each carries on from the one
-- before it, says what its entries say, and its link follows from the link before. A changed row
-- is found by its own link, since each link is computed from the stored one before it.
create or replace function kotally.prove_postings(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set timezone = 'UTC' set work_mem = '64MB' as $$
  select r.contact_id, null::uuid, d.seq, d.rule, null::text, d.expected, d.found
    from (
      select p.contact_id, p.seq, p.amount, p.available_after::bigint, p.held_after::bigint,
             p.recorded_at, p.chain, coalesce(e.available, 0) as available,
             coalesce(e.held, 0) as held, coalesce(e.lines, 0) as lines,
             lag(p.seq, 1, 0::bigint) over w as last_seq,
             lag(p.available_after::bigint, 1, 0::bigint) over w as last_available,
             lag(p.held_after::bigint, 1, 0::bigint) over w as last_held,
             lag(p.recorded_at, 1, '-infinity'::timestamptz) over w as last_recorded_at,
             kotally.chain(
               lag(p.chain, 1, decode(repeat('00', 32), 'hex')) over w, p, coalesce(e.digest, '')) as link
        from kotally.postings p
        left join (
          select m.contact_id, m.seq, count(*) as lines,
                 sum(case when m.to_bucket = 'available' then m.amount
                           when m.from_bucket = 'available' then -m.amount else 0 end)::bigint as available,
                 sum(case when m.to_bucket = 'held' then m.amount
                           when m.from_bucket = 'held' then -m.amount else 0 end)::bigint as held,
                 string_agg(
                   (m.lot_id, m.from_bucket, m.to_bucket, m.amount)::kotally.new_entry::text, ''
                   order by m.line) as digest
            from kotally.entries m
           where m.location_id = p_location_id
           group by m.contact_id, m.seq) e on e.contact_id = p.contact_id and e.seq = p.seq
       where p.location_id = p_location_id
      window w as (partition by p.contact_id order by p.seq)) r
   cross join lateral (values
     (1, 'posting_seq', r.last_seq + 1, (r.last_seq + 1)::text, r.seq::text),
     (2, 'posting_entries', r.seq, 'some', case when r.lines = 0 then 'none' else 'some' end),
     (3, 'posting_amount', r.seq, r.available::text, r.amount::text),
     (4, 'posting_available_after', r.seq, (r.last_available + r.available)::text, r.available_after::text),
     (5, 'posting_held_after', r.seq, (r.last_held + r.held)::text, r.held_after::text),
     (6, 'posting_recorded_at', r.seq, greatest(r.recorded_at, r.last_recorded_at)::text, r.recorded_at::text),
     (7, 'posting_chain', r.seq, encode(r.link, 'hex'), encode(r.chain, 'hex'))
   ) d (rank, rule, seq, expected, found)
   where (r.seq <> r.last_seq + 1 or r.lines = 0 or r.amount <> r.available
          or r.available_after <> r.last_available + r.available
          or r.held_after <> r.last_held + r.held or r.recorded_at < r.last_recorded_at
          or r.chain <> r.link)
     and d.expected <> d.found
   order by r.contact_id, d.seq, d.rank
   limit p_limit
$$;
