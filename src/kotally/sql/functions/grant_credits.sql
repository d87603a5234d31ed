-- Issue the credits of a product against a payment: those of a pack, or of a new membership's first
-- period; its later ones are renewals and begin in kotally.memberships.renewals. The caller has read
-- the product and planned the dates (`args`); under the contact's lock this verifies that the plan
-- still holds.
-- Codes: grant_applied, CONFIG_NOT_FOUND, DUPLICATE_EVENT, PURCHASE_LIMIT_REACHED, STALE (plan again).
create or replace function kotally.grant_credits(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz
) returns kotally.outcome language plpgsql as $$
declare
  v_args jsonb := p_act.args::jsonb;
  v_payment kotally.payments;
  v_lot kotally.lots;
  v_entitlement_id uuid;
  v_refused json;
  v_debts kotally.new_posting;
  v_paid_back bigint := 0;
begin
  select p.* into v_payment from kotally.payments p
   where p.location_id = p_location_id and p.provider = v_args ->> 'provider'
     and p.external_payment_id = v_args ->> 'external_payment_id'
   union all
  -- Another provider's id of a sale that is known (S9.1).
  select p.* from kotally.payment_reports r
    join kotally.payments p on p.location_id = p_location_id and p.id = r.payment_id
   where r.location_id = p_location_id and r.provider = v_args ->> 'provider'
     and r.external_payment_id = v_args ->> 'external_payment_id';
  if found then
    return (0, 'DUPLICATE_EVENT', false, p_act.correlation_id, json_build_object(
      'location_id', p_location_id, 'contact_id', v_payment.contact_id,
      'entitlement_id', v_payment.entitlement_id, 'credits_granted', 0,
      'balance_after', kotally.visible_balance(p_location_id, v_payment.contact_id, p_now),
      'payment_id', v_payment.id))::kotally.outcome;
  elsif not v_args ? 'version' then
    return (0, 'CONFIG_NOT_FOUND', false, p_act.correlation_id, '{}')::kotally.outcome;
  end if;
  v_refused := kotally.limit_purchase(p_location_id, p_act, p_contact_id, p_now);
  if v_refused is not null then
    return (0, 'PURCHASE_LIMIT_REACHED', false, p_act.correlation_id, v_refused)::kotally.outcome;
  end if;
  v_entitlement_id := kotally.start_entitlement(p_location_id, p_act, p_contact_id, p_now);
  if v_entitlement_id is null then
    return (0, 'STALE', false, p_act.correlation_id, '{}')::kotally.outcome;
  end if;
  -- Hints fill what is empty and overwrite nothing.
  update kotally.contacts c
     set email = coalesce(c.email, v_args ->> 'email'), name = coalesce(c.name, v_args ->> 'name'),
         phone = coalesce(c.phone, v_args ->> 'phone')
   where c.location_id = p_location_id and c.id = p_contact_id
     and (c.email is null and v_args ? 'email' or c.name is null and v_args ? 'name'
          or c.phone is null and v_args ? 'phone');
  if v_args -> 'metadata' ? 'fee_id' then
    perform kotally.pay_fee(
      p_location_id, p_contact_id, (v_args ->> 'amount_cents')::bigint, v_args #>> '{metadata,fee_id}',
      p_act.source, p_act.actor, p_act.correlation_id, p_now);
  end if;
  v_lot := jsonb_populate_record(null::kotally.lots, v_args -> 'lot');
  if v_lot.id is not null then
    v_lot := jsonb_populate_record(kotally.empty_lot(p_location_id, p_contact_id, p_now), v_args -> 'lot');
    v_lot.entitlement_id := v_entitlement_id;
    v_lot.product_config_id := p_act.product_config_id;
    perform kotally.post(p_location_id, p_now, array[kotally.posting_for(
      p_act, p_contact_id, 'grant', 'purchase', p_now, null, null,
      array[(v_lot.id, 'issued', 'available', (v_args ->> 'credits')::bigint)::kotally.new_entry])],
      array[v_lot]);
  end if;
  v_debts := kotally.posting_for(p_act, p_contact_id, 'adjust', 'debt_settled', p_now, null, null, null);
  v_debts.id := kotally.new_id();
  v_debts.part := 1;
  v_paid_back := kotally.settle_debts(p_location_id, v_debts, v_lot.id, p_now);
  perform kotally.fund_waiting(p_location_id, p_act, p_contact_id, p_now, 2::smallint);
  return (0, 'grant_applied', false, p_act.correlation_id, kotally.with_paid_back(json_build_object(
    'location_id', p_location_id, 'contact_id', p_contact_id, 'entitlement_id', v_entitlement_id,
    'credits_granted', (v_args ->> 'credits')::bigint,
    'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
    'payment_id', (v_args ->> 'payment_id')::uuid, 'lot_id', v_lot.id,
    'expires_at', kotally.iso(v_lot.expires_at)), v_paid_back, (v_args ->> 'credits')::bigint))::kotally.outcome;
end;
$$;
