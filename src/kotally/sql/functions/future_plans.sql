-- The contact's renewing memberships whose period at a time is not paid yet, with that period, how
-- many periods ahead it is, and what provisional bookings have taken of it (S2.8).
create or replace function kotally.future_plans(
  p_location_id text, p_contact_id uuid, p_product_config_id text, p_calendar_id text,
  p_at timestamptz, p_args text, p_now timestamptz
) returns table (
  entitlement_id uuid, credits bigint, weight bigint, reserved bigint, ahead integer, rules jsonb,
  cap json
) language sql stable as $$
  select e.id, v.credits, coalesce((v.coverage ->> p_calendar_id)::bigint, 1),
         (select coalesce(sum(b.credits), 0)::bigint from kotally.bookings b
           where b.location_id = p_location_id and b.contact_id = p_contact_id
             and b.entitlement_id = e.id and b.status = 'provisional'
             and (b.starts_at at time zone o.timezone)::date <@ w.days),
         greatest(0, ceil(
           ((extract(year from lower(w.days)) - extract(year from t.paid_on)) * 12
            + extract(month from lower(w.days)) - extract(month from t.paid_on)) / t.months)::integer) + 1,
         v.rules,
         (select kotally.cap_reached(p_location_id, p_contact_id, n, p_calendar_id, p_at, p_now)
            from unnest((kotally.narrowed(
              p_location_id, p_contact_id,
              kotally.spending_of(p_location_id, p_contact_id, p_now), p_args)).plans) n
           where n.entitlement_id = e.id)
    from kotally.memberships m
    join kotally.locations o on o.id = p_location_id
    join kotally.entitlements e on e.location_id = p_location_id and e.id = m.id
    join kotally.product_versions v
      on v.location_id = p_location_id and v.product_id = e.product_config_id
     and v.version = e.product_version
   cross join lateral (
     select (m.period_ends_at at time zone o.timezone)::date as paid_on,
            coalesce((v.rules ->> 'period_months')::integer, 1) as months) t
   cross join lateral (
     select kotally.period_bounds(m.anchor_on, t.months, (p_at at time zone o.timezone)::date) as days) w
   where m.location_id = p_location_id and m.contact_id = p_contact_id and m.status = 'active'
     and m.period_ends_at <= p_at and coalesce(p_at < m.ends_at, true)
     and coalesce(e.product_config_id = p_product_config_id, true)
     and coalesce(v.coverage ? p_calendar_id, true)
     and (p_args::jsonb ? 'beneficiary_id' is not true or kotally.lends(
       p_location_id, p_contact_id, p_args::jsonb, e.id, e.product_config_id, e.product_version))
   order by e.id
$$;
