-- What the API shows of each payment.
create or replace view kotally.payment_items as
select p.location_id, p.contact_id, p.id, p.recorded_at, j.item
  from kotally.payments p
 cross join lateral (
   select row_to_json(i) as item
     from (
       select p.id, p.provider, p.external_payment_id, p.event_type, p.product_config_id,
              p.entitlement_id, p.amount_cents, p.currency, p.refunded_cents, p.credits_granted,
              p.credits_revoked, kotally.iso(p.paid_at) as paid_at,
              kotally.iso(p.recorded_at) as recorded_at, p.external_ref, p.metadata,
              (select coalesce(json_agg(json_build_object(
                        'provider', r.provider, 'external_payment_id', r.external_payment_id,
                        'matched_by', r.matched_by) order by r.recorded_at, r.provider), '[]')
                 from kotally.payment_reports r
                where r.location_id = p.location_id and r.payment_id = p.id) as also_reported) i) j;
