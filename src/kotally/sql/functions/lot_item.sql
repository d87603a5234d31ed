-- A lot as the API shows it.
create or replace function kotally.lot_item(p_lot kotally.lots, p_at timestamptz)
returns json language sql stable as $$
  select json_build_object(
    'id', p_lot.id, 'class', p_lot.class, 'parent_lot_id', p_lot.parent_lot_id,
    'payment_id', p_lot.payment_id, 'period_number', p_lot.period_number,
    'is_expired', kotally.is_expired(p_lot, p_at),
    'credits_issued', p_lot.issued, 'credits_available', p_lot.available,
    'credits_held', p_lot.held, 'credits_consumed', p_lot.consumed,
    'credits_penalty', p_lot.penalty, 'credits_expired', p_lot.expired,
    'credits_forfeited', p_lot.forfeited, 'credits_revoked', p_lot.revoked,
    'credits_suspended', p_lot.suspended, 'credits_transferred', p_lot.transferred,
    'credits_owed', p_lot.owed, 'calendars', p_lot.coverage, 'cost_minor', p_lot.cost_minor,
    'currency', p_lot.currency, 'issued_at', kotally.iso(p_lot.issued_at),
    'effective_at', kotally.iso(p_lot.effective_at),
    'expires_at', kotally.iso(coalesce(p_lot.projected_expires_at, p_lot.expires_at)))
$$;
