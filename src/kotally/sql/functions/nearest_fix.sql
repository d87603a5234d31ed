-- The nearest way to make a lot pay, as a sentence for staff; null when nothing stands against it.
create or replace function kotally.nearest_fix(p_lot kotally.lots, p_verdict text, p_at timestamptz)
returns text language sql stable as $$
  select case p_verdict
    when 'ENTITLEMENT_PAUSED' then 'Settle what is overdue or lift the pause, or book after it ends.'
    when 'ENTITLEMENT_EXPIRED' then 'Extend it, or grant a new one.'
    when 'EXPIRES_BEFORE_APPOINTMENT' then format(
      'Extend it by %s days, or book a time before it expires.',
      ceil(extract(epoch from p_at - p_lot.expires_at) / 86400 + 0.000001)::integer)
    when 'STARTS_AFTER_APPOINTMENT' then 'Book a time after it starts.'
    when 'CONFIG_NOT_FOUND' then 'Ask for a product config of this location, or leave product_config_id out.'
    when 'OTHER_PRODUCT' then 'Ask for this product, or leave product_config_id out.'
    when 'SERVICE_FAMILY_MISMATCH' then format(
      'Book a calendar it covers: %s.',
      (select string_agg(k, ', ' order by k) from jsonb_object_keys(p_lot.coverage) k))
    when 'EXHAUSTED' then 'Grant more credits.'
    when 'CAP_REACHED' then 'Book a time outside the window of its cap, or raise the cap.'
  end
$$;
