-- Whether a lot is past its last instant; `expires_at` is exclusive (S6.1). Everything that asks
-- uses this predicate, so nothing depends on whether a sweep has run (S6.5). A lot under a freeze
-- lives until where the freeze will move it (S8.4).
create or replace function kotally.is_expired(p_lot kotally.lots, p_at timestamptz)
returns boolean language sql immutable as $$
  select coalesce(coalesce(p_lot.projected_expires_at, p_lot.expires_at) <= p_at, false)
$$;
