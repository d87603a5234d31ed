-- What entries come to for the buckets of each lot.
create or replace function kotally.bucket_moves(p_entries kotally.entries[])
returns table (
  lot_id uuid, issued bigint, owed bigint, available bigint, held bigint, consumed bigint,
  penalty bigint, expired bigint, forfeited bigint, revoked bigint, suspended bigint, transferred bigint)
language sql stable as $$
  select e.lot_id,
         sum(kotally.moves(e, 'issued'))::bigint, sum(kotally.moves(e, 'owed'))::bigint,
         sum(kotally.moves(e, 'available'))::bigint, sum(kotally.moves(e, 'held'))::bigint,
         sum(kotally.moves(e, 'consumed'))::bigint, sum(kotally.moves(e, 'penalty'))::bigint,
         sum(kotally.moves(e, 'expired'))::bigint, sum(kotally.moves(e, 'forfeited'))::bigint,
         sum(kotally.moves(e, 'revoked'))::bigint, sum(kotally.moves(e, 'suspended'))::bigint,
         sum(kotally.moves(e, 'transferred'))::bigint
    from unnest(p_entries) e
   group by e.lot_id
$$;
