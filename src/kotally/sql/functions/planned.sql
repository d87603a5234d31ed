-- What entries that are planned already do to one bucket of a lot.
create or replace function kotally.planned(
  p_entries kotally.new_entry[], p_lot_id uuid, p_bucket kotally.bucket
) returns bigint language sql immutable as $$
  select coalesce(sum(case when e.to_bucket = p_bucket then e.amount else -e.amount end), 0)::bigint
    from unnest(p_entries) e
   where e.lot_id = p_lot_id and p_bucket in (e.from_bucket, e.to_bucket)
$$;
