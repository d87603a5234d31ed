-- The contact's entitlements that are unlimited or have caps; null when there are none, which is
-- the rule. A membership is good until its paid period ends, and in arrears for its days of grace.
create or replace function kotally.plans_of(p_location_id text, p_contact_id uuid)
returns kotally.plan[] language sql stable as $$
  select array_agg((
      e.id, e.product_config_id, v.coverage, coalesce((v.rules ->> 'unlimited')::boolean, false),
      coalesce(v.rules -> 'caps', '[]'), e.starts_at, m.period_ends_at,
      kotally.grace_end(m.period_ends_at, v.rules, o.timezone),
      case when m.id is null then coalesce(e.projected_ends_at, e.ends_at) else least(e.ends_at, m.ends_at) end, m.anchor_on,
      coalesce((v.rules ->> 'period_months')::integer, 1),
      (v.rules ->> 'cancel_window_minutes')::integer, null, true)::kotally.plan order by e.id)
    from kotally.entitlements e
    join kotally.locations o on o.id = p_location_id
    join kotally.product_versions v
      on v.location_id = p_location_id and v.product_id = e.product_config_id
     and v.version = e.product_version
    left join kotally.memberships m on m.location_id = p_location_id and m.id = e.id
   where e.location_id = p_location_id and e.contact_id = p_contact_id and e.is_ruled
     and coalesce(m.status, 'active') <> 'ended'
$$;
