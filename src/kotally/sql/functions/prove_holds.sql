-- Holds whose figures are not what the entries of the postings about them come to, and postings
-- that name a hold which is not the contact's. The postings about a hold are the one that placed
-- it and those that refer to that one, as in kotally.hold_slices. A dispute that is won holds again
-- what it had released; a use that a refund had taken back becomes one again when it is given back.
create or replace function kotally.prove_holds(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set work_mem = '64MB' as $$
  select h.contact_id, null::uuid, h.placed_seq, 'hold_' || d.figure, h.id::text, d.expected::text, d.found::text
    from kotally.holds h
    left join (
      select a.contact_id, a.placed_seq,
             sum(e.amount) filter (
               where not e.was_used and e.is_used and e.from_bucket <> 'revoked'
                 and not (a.refers and e.to_bucket = 'held')) as amount,
             coalesce(sum(e.amount) filter (where e.to_bucket = 'consumed' and e.from_bucket <> 'revoked'), 0)
               - coalesce(sum(e.amount) filter (where e.from_bucket = 'consumed' and e.is_used), 0) as captured,
             coalesce(sum(e.amount) filter (where e.to_bucket = 'penalty' and e.from_bucket <> 'revoked'), 0)
               - coalesce(sum(e.amount) filter (where e.from_bucket = 'penalty' and e.is_used), 0) as penalised,
             coalesce(sum(e.amount) filter (where e.from_bucket = 'held' and not e.is_used), 0)
               - coalesce(sum(e.amount) filter (where a.refers and e.to_bucket = 'held'), 0) as released,
             coalesce(sum(e.amount) filter (where e.from_bucket in ('consumed', 'penalty') and not e.is_used), 0)
               - coalesce(sum(e.amount) filter (where e.from_bucket = 'revoked'), 0) as returned
        from (
          select p.contact_id, p.seq, p.seq as placed_seq, false as refers
            from kotally.postings p where p.location_id = p_location_id and p.hold_id is not null
          union all
          select p.contact_id, p.seq, p.refers_to, true
            from kotally.postings p where p.location_id = p_location_id and p.refers_to is not null) a
        join (
          select m.contact_id, m.seq, m.from_bucket, m.to_bucket, m.amount,
                 m.from_bucket in ('held', 'consumed', 'penalty') as was_used,
                 m.to_bucket in ('held', 'consumed', 'penalty') as is_used
            from kotally.entries m where m.location_id = p_location_id) e
          on e.contact_id = a.contact_id and e.seq = a.seq
       group by a.contact_id, a.placed_seq) s on s.contact_id = h.contact_id and s.placed_seq = h.placed_seq
   cross join lateral (values
     (1, 'amount', coalesce(s.amount, 0), h.amount), (2, 'captured', coalesce(s.captured, 0), h.captured),
     (3, 'released', coalesce(s.released, 0), h.released), (4, 'penalised', coalesce(s.penalised, 0), h.penalised),
     (5, 'returned', coalesce(s.returned, 0), h.returned)) d (rank, figure, expected, found)
   where h.location_id = p_location_id and d.expected <> d.found
  union all
  select p.contact_id, null::uuid, p.seq, 'hold_of_posting', p.hold_id::text, p.contact_id::text, h.contact_id::text
    from kotally.postings p
    left join kotally.holds h on h.location_id = p_location_id and h.id = p.hold_id
   where p.location_id = p_location_id and p.hold_id is not null
     and h.contact_id is distinct from p.contact_id
   order by 1, 3, 4
   limit p_limit
$$;
