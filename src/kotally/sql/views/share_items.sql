-- What the API shows of each right to use another's credits.
create or replace view kotally.share_items as
select s.location_id, s.owner_id, s.user_id, s.since, s.id, row_to_json(i) as item
  from kotally.shares s
  join kotally.contacts o on o.location_id = s.location_id and o.id = s.owner_id
  join kotally.contacts u on u.location_id = s.location_id and u.id = s.user_id
 cross join lateral (
   select s.id as share_id, s.owner_id, o.external_id as owner_contact_id, o.name as owner_name,
          s.user_id, u.external_id as user_contact_id, u.name as user_name, s.entitlement_id,
          kotally.iso(s.since) as since,
          (select count(*) from kotally.shared_uses x
             join kotally.holds h on h.location_id = s.location_id and h.id = x.hold_id
            where x.location_id = s.location_id and x.beneficiary_id = s.user_id
              and x.owner_id = s.owner_id and not x.is_guest and h.is_live) as uses) i
 where s.until is null;
