-- The entitlements that a summary names: those with something left, the running memberships, and
-- the 20 newest of all; perhaps twice. What has expired is not left, whether or not a sweep has come
-- (S6.5). What is left is read from p_lots when the time has passed.
create or replace function kotally.listed_entitlements(
  p_location_id text, p_contact_id uuid, p_at timestamptz, p_lots kotally.lots[]
) returns table (id uuid) language sql stable as $$
  select l.entitlement_id from kotally.lots l
   where p_lots is null and l.location_id = p_location_id and l.contact_id = p_contact_id and l.is_open
     and (l.held > 0 or l.suspended > 0 or l.owed > 0 or not kotally.is_expired(l, p_at))
  union all
  select l.entitlement_id from unnest(p_lots) l
   where l.held > 0 or l.suspended > 0 or l.owed > 0
      or l.available > 0 and not kotally.is_expired(l, p_at)
  union all
  select m.id from kotally.memberships m
   where m.location_id = p_location_id and m.contact_id = p_contact_id and m.status <> 'ended'
  union all
  (select e.id from kotally.entitlements e
    where e.location_id = p_location_id and e.contact_id = p_contact_id and e.created_at <= p_at
    order by e.id desc limit 20)
$$;
