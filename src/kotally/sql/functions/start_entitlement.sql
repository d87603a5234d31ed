-- Record the payment and what it opens: a package or a membership. Answers the entitlement, or null
-- when a membership of the product, or one that is to become one, is running by now: its next
-- period is confirmed elsewhere.
create or replace function kotally.start_entitlement(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz
) returns uuid language plpgsql as $$
declare
  v_args jsonb := p_act.args::jsonb;
  v_plan jsonb := p_act.args::jsonb -> 'membership';
  v_entitlement_id uuid := (p_act.args::jsonb ->> 'entitlement_id')::uuid;
  v_is_ruled boolean;
begin
  if v_plan is not null and exists (
       select from kotally.memberships m
        where m.location_id = p_location_id and m.contact_id = p_contact_id
          and m.status <> 'ended'
          and (m.product_config_id = p_act.product_config_id or exists (
            select from kotally.membership_changes c
             where c.location_id = p_location_id and c.membership_id = m.id
               and c.decided_at is null and c.to_product_config_id = p_act.product_config_id))) then
    return null;
  end if;
  insert into kotally.entitlements (
    location_id, id, contact_id, product_config_id, product_version, type, starts_at, ends_at, created_at,
    is_ruled)
  values (
    p_location_id, v_entitlement_id, p_contact_id, p_act.product_config_id,
    (v_args ->> 'version')::integer, v_args ->> 'type', (v_args ->> 'starts_at')::timestamptz,
    (v_args ->> 'ends_at')::timestamptz, p_now,
    kotally.is_ruled(p_location_id, p_act.product_config_id, (v_args ->> 'version')::integer))
  returning is_ruled into v_is_ruled;
  if v_plan is not null then
    perform kotally.start_period(p_location_id, p_contact_id, v_entitlement_id, p_act, p_now);
  end if;
  insert into kotally.payments (
    location_id, id, contact_id, provider, external_payment_id, event_type, product_config_id,
    entitlement_id, amount_cents, currency, paid_at, external_ref, metadata, credits_granted, recorded_at,
    payment_fingerprint)
  values (
    p_location_id, (v_args ->> 'payment_id')::uuid, p_contact_id, v_args ->> 'provider',
    v_args ->> 'external_payment_id', v_args ->> 'event_type', p_act.product_config_id,
    v_entitlement_id, (v_args ->> 'amount_cents')::bigint, v_args ->> 'currency',
    (v_args ->> 'paid_at')::timestamptz, p_act.external_ref, p_act.args::json -> 'metadata',
    (v_args ->> 'credits')::bigint, p_now, v_args ->> 'payment_fingerprint');
  -- A freeze that runs covers what is bought under it.
  if v_is_ruled then
    perform kotally.project_lots(p_location_id, p_contact_id);
  end if;
  return v_entitlement_id;
end;
$$;
