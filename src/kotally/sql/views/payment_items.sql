-- What the API shows of each payment.
create or replace view kotally.payment_items as
select p.location_id, p.contact_id, p.id, p.recorded_at,
       json_build_object(
         'id', p.id, 'provider', p.provider, 'external_payment_id', p.external_payment_id,
         'event_type', p.event_type, 'product_config_id', p.product_config_id,
         'entitlement_id', p.entitlement_id, 'amount_cents', p.amount_cents,
         'currency', p.currency, 'refunded_cents', p.refunded_cents,
         'credits_granted', p.credits_granted, 'credits_revoked', p.credits_revoked,
         'paid_at', kotally.iso(p.paid_at), 'recorded_at', kotally.iso(p.recorded_at),
         'external_ref', p.external_ref, 'metadata', p.metadata) as item
  from kotally.payments p;
