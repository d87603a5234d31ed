-- Whether a lot may pay for a calendar and product at a time: `eligible`, or the first reason
-- against it in the order of S3.2. The one place where this is decided.
create or replace function kotally.lot_verdict(
  p_lot kotally.lots, p_is_blocked boolean, p_product_config_id text, p_calendar_id text,
  p_at timestamptz, p_now timestamptz
) returns text language sql immutable as $$
  select case
    when p_is_blocked then 'ENTITLEMENT_PAUSED'
    when kotally.is_expired(p_lot, p_now) then 'ENTITLEMENT_EXPIRED'
    when kotally.is_expired(p_lot, p_at) then 'EXPIRES_BEFORE_APPOINTMENT'
    when p_lot.effective_at > p_at then 'STARTS_AFTER_APPOINTMENT'
    when p_lot.product_config_id <> p_product_config_id then 'OTHER_PRODUCT'
    when not p_lot.coverage ? p_calendar_id then 'SERVICE_FAMILY_MISMATCH'
    else 'eligible'
  end
$$;
