-- What the API shows of each product, in its current version.
create or replace view kotally.product_items as
select p.location_id, p.id, p.status, j.item
  from kotally.products p
  join kotally.product_versions v
    on v.location_id = p.location_id and v.product_id = p.id and v.version = p.version
 cross join lateral (
   select row_to_json(i) as item
     from (
       select p.id, v.name, p.type, p.status, p.version, v.credits, v.expiry_days,
              v.coverage as calendars, v.rules, kotally.iso(p.created_at) as created_at,
              kotally.iso(v.created_at) as changed_at) i) j;
