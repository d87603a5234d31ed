-- What planned entries give back of a hold: which lot has it now, and as what the hold had it. Of an
-- expired lot it is in the new one whose entry follows; what no lot has is named with the old one.
create or replace function kotally.given_back(p_entries kotally.new_entry[])
returns table (lot_id uuid, bucket kotally.bucket, amount bigint) language sql immutable as $$
  select case when e.to_bucket = 'transferred' and n.from_bucket = 'issued' then n.lot_id else e.lot_id end,
         e.from_bucket, e.amount
    from unnest(p_entries) with ordinality e (lot_id, from_bucket, to_bucket, amount, place)
    left join unnest(p_entries) with ordinality n (lot_id, from_bucket, to_bucket, amount, place)
      on n.place = e.place + 1
   where e.from_bucket in ('held', 'consumed', 'penalty')
     and e.to_bucket not in ('held', 'consumed', 'penalty')
   order by e.place
$$;
