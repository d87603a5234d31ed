-- What the timeline shows of each period of a membership, at the time it was granted.
create or replace view kotally.period_items as
select e.location_id, e.contact_id, p.granted_at as at, p.number::bigint as number, p.membership_id,
       json_build_object(
         'type', 'membership_period', 'at', kotally.iso(p.granted_at),
         'period', json_build_object(
           'membership_id', p.membership_id, 'product_config_id', e.product_config_id,
           'number', p.number, 'starts_at', kotally.iso(p.starts_at),
           'ends_at', kotally.iso(p.ends_at), 'payment_id', p.payment_id, 'lot_id', p.lot_id)) as item
  from kotally.entitlements e
  join kotally.periods p on p.location_id = e.location_id and p.membership_id = e.id;
