-- The lot in which credits of an expired lot come back: same rules, same share of the cost, and
-- the grace days counted from the later of the old expiry and now (S4.4).
create or replace function kotally.restored_lot(
  p_lot kotally.lots, p_amount bigint, p_now timestamptz, p_grace_days integer default null
)
returns kotally.lots language plpgsql volatile as $$
declare
  v_new kotally.lots := jsonb_populate_record(
    kotally.empty_lot(p_lot.location_id, p_lot.contact_id, p_now),
    jsonb_build_object(
      'entitlement_id', p_lot.entitlement_id, 'product_config_id', p_lot.product_config_id,
      'product_version', p_lot.product_version, 'payment_id', p_lot.payment_id,
      'period_number', p_lot.period_number, 'priority', p_lot.priority, 'coverage', p_lot.coverage,
      'coverage_width', p_lot.coverage_width, 'currency', p_lot.currency,
      'unit_cost', p_lot.unit_cost, 'cancel_window_minutes', p_lot.cancel_window_minutes,
      'restore_grace_days', p_lot.restore_grace_days, 'rules', p_lot.rules));
begin
  v_new.id := kotally.new_id();
  v_new.class := 'restored';
  v_new.parent_lot_id := p_lot.id;
  v_new.coverage := p_lot.coverage;
  v_new.cost_minor := p_lot.cost_minor * p_amount / greatest(p_lot.issued, 1);
  v_new.expires_at := kotally.add_local_days(
    greatest(p_lot.expires_at, p_now), coalesce(p_grace_days, p_lot.restore_grace_days),
    (select l.timezone from kotally.locations l where l.id = p_lot.location_id));
  return v_new;
end;
$$;
