-- What an entry does to one bucket of its lot.
create or replace function kotally.moves(p_entry kotally.entries, p_bucket kotally.bucket)
returns bigint language sql immutable as $$
  select case when p_entry.to_bucket = p_bucket then p_entry.amount::bigint
              when p_entry.from_bucket = p_bucket then -p_entry.amount else 0 end
$$;
