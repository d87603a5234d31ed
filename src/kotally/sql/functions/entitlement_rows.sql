-- Entitlements with what their lots hold at a time, and the status that follows from it: whether
-- a sweep has passed or not changes nothing (S6.5).
create or replace function kotally.entitlement_rows(
  p_location_id text, p_ids uuid[], p_lots kotally.lots[], p_blockers kotally.blockers[], p_at timestamptz
) returns table (
  id uuid, product_config_id text, type text, version integer, status text, granted bigint,
  remaining bigint, held bigint, starts_at timestamptz, expires_at timestamptz, is_membership boolean
) language sql stable as $$
  select e.id, e.product_config_id, e.type, e.product_version,
         case
           when s.remaining + s.held = 0 and s.revoked > 0
                and (s.consumed = 0 or e.end_reason = 'refunded') then 'revoked'
           when e.end_reason is not null and e.ends_at <= p_at or m.ends_at <= p_at then 'cancelled'
           when e.starts_at > p_at then 'pending'
           when s.suspended > 0 or 'workspace_billing' = any (b.kinds) then 'suspended'
           when x.is_running and (d.is_past_due or 'past_due' = any (b.kinds)) then 'past_due'
           when x.is_running and (b.kinds && '{freeze,admin,penalty}' or s.remaining > 0 and s.usable = 0)
             then 'paused'
           when s.remaining + s.held > 0 then 'active'
           when m.status = 'active' and m.period_ends_at <= p_at and p_at < (
               select kotally.grace_end(m.period_ends_at, v.rules, o.timezone)
                 from kotally.product_versions v
                 join kotally.locations o on o.id = p_location_id
                where v.location_id = p_location_id and v.product_id = e.product_config_id
                  and v.version = e.product_version) then 'active'
           when x.expires_at <= p_at then 'expired'
           when s.granted > 0 then 'exhausted'
           else 'active'
         end,
         s.granted, s.remaining, s.held, e.starts_at, nullif(x.expires_at, 'infinity'), m.id is not null
    from kotally.entitlements e
    left join kotally.memberships m on m.location_id = p_location_id and m.id = e.id
   cross join lateral (
     select coalesce(m.status = 'past_due' and coalesce(m.past_due_since <= p_at, true), false)
              as is_past_due) d
   cross join lateral (
     select array(
       select k.kind from unnest(p_blockers) k
        where k.starts_at <= p_at and (k.ends_at is null or k.ends_at > p_at)
          and (k.entitlement_id is null or k.entitlement_id = e.id) and k.lot_id is null) as kinds) b
   cross join lateral (
     select coalesce(sum(l.issued) filter (where l.parent_lot_id is null), 0)::bigint as granted,
            coalesce(sum(l.available) filter (where v.is_good), 0)::bigint as remaining,
            coalesce(sum(l.available) filter (where v.is_good and not v.is_blocked), 0)::bigint as usable,
            coalesce(sum(l.held), 0)::bigint as held, coalesce(sum(l.suspended), 0) as suspended,
            coalesce(sum(l.revoked), 0) as revoked, coalesce(sum(l.consumed), 0) as consumed,
            -- Until when there is something left; of what is used up, until when there would be.
            coalesce(max(v.until) filter (where l.held > 0 or l.available > 0 and v.is_good),
                     max(v.until)) as until
       from unnest(p_lots) l
      cross join lateral (
        select not kotally.is_expired(l, p_at) as is_good,
               coalesce(l.projected_expires_at, l.expires_at, 'infinity') as until,
               case when cardinality(p_blockers) = 0 then false
                    else kotally.is_blocked(p_blockers, l.entitlement_id, l.id, p_at)
               end as is_blocked) v
      where l.entitlement_id = e.id) s
   cross join lateral (
     select coalesce(s.until, m.period_ends_at, e.projected_ends_at, e.ends_at, 'infinity') as expires_at,
            s.remaining + s.held > 0 or coalesce(m.period_ends_at > p_at, false) or d.is_past_due
              as is_running) x
   where e.location_id = p_location_id and e.id = any (p_ids)
$$;
