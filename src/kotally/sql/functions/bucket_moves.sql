-- What entries come to for the buckets of each lot.
create or replace function kotally.bucket_moves(p_entries kotally.entries[])
returns table (
  lot_id uuid, issued bigint, owed bigint, available bigint, held bigint, consumed bigint,
  penalty bigint, expired bigint, forfeited bigint, revoked bigint, suspended bigint, transferred bigint)
language sql stable as $$
  select e.lot_id,
         kotally.total(kotally.moves(e, 'issued')), kotally.total(kotally.moves(e, 'owed')),
         kotally.total(kotally.moves(e, 'available')), kotally.total(kotally.moves(e, 'held')),
         kotally.total(kotally.moves(e, 'consumed')), kotally.total(kotally.moves(e, 'penalty')),
         kotally.total(kotally.moves(e, 'expired')), kotally.total(kotally.moves(e, 'forfeited')),
         kotally.total(kotally.moves(e, 'revoked')), kotally.total(kotally.moves(e, 'suspended')),
         kotally.total(kotally.moves(e, 'transferred'))
    from unnest(p_entries) e
   group by e.lot_id
$$;
