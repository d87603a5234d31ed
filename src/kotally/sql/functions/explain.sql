-- Every plan and lot considered for a request, the verdict on it and the nearest fix (S3.1): the
-- unlimited and capped plans, then the lots with something left, in burn order, then the spent
-- ones, newest first; at most 50 lots.
create or replace function kotally.explain(
  p_location_id text, p_contact_id uuid, p_product_config_id text, p_calendar_id text,
  p_at timestamptz, p_now timestamptz
) returns json language sql stable as $$
  with state as materialized (
    select s.blockers, s.plans from kotally.spending_state(p_location_id, p_contact_id) s
  ), lot as (
    select o.lot, o.place,
           case when v.verdict = 'eligible' and (o.lot).available = 0 then 'EXHAUSTED'
                when v.verdict = 'OTHER_PRODUCT' then kotally.other_product(p_location_id, p_product_config_id)
                else v.verdict end as verdict
      from kotally.burn_order(p_location_id, p_contact_id) o
     cross join lateral (select kotally.lot_verdict(
         o.lot, kotally.is_blocked(
           (select s.blockers from state s), (o.lot).entitlement_id, (o.lot).id, p_at),
         p_product_config_id, p_calendar_id, p_at, p_now) as verdict) v
  )
  select coalesce(json_agg(e.item order by e.is_lot, e.place), '[]')
    from (
      select true as is_lot, c.place, json_build_object(
          'lot_id', (c.lot).id, 'entitlement_id', (c.lot).entitlement_id,
          'product_config_id', (c.lot).product_config_id, 'verdict', c.verdict,
          'available', (c.lot).available, 'credits_per_unit', kotally.lot_weight(c.lot, p_calendar_id),
          'effective_at', kotally.iso((c.lot).effective_at), 'expires_at', kotally.iso((c.lot).expires_at),
          'fix', kotally.nearest_fix(c.lot, c.verdict, p_at)) as item
        from lot c
      union all
      select false, p.ordinality, kotally.plan_explained(
          p_location_id, p_contact_id,
          (p.entitlement_id, p.product_config_id, p.coverage, p.is_unlimited, p.caps, p.starts_at,
           p.paid_until, p.grace_until, p.ends_at, p.anchor_on, p.period_months,
           p.cancel_window_minutes, p.beneficiary_id, p.can_owe)::kotally.plan,
          s.blockers, p_product_config_id, p_calendar_id, p_at, p_now)
        from state s
       cross join lateral unnest(s.plans) with ordinality p) e
$$;
