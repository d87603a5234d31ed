-- Whether one of the contact's blockers covers a lot at a time (S0).
create or replace function kotally.is_blocked(
  p_blockers kotally.blockers[], p_entitlement_id uuid, p_lot_id uuid, p_at timestamptz
) returns boolean language sql immutable as $$
  select exists (
    select from unnest(p_blockers) b
     where b.starts_at <= p_at and (b.ends_at is null or b.ends_at > p_at)
       and (b.entitlement_id is null or b.entitlement_id = p_entitlement_id)
       and (b.lot_id is null or b.lot_id = p_lot_id))
$$;
