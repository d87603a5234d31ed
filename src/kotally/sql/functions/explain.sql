-- Every lot considered for a request and why it could or could not pay (S3.1), in burn order; the
-- spent and expired ones follow, newest first, at most 50 of them.
create or replace function kotally.explain(
  p_location_id text, p_contact_id uuid, p_product_config_id text, p_calendar_id text,
  p_at timestamptz, p_now timestamptz
) returns json language sql stable as $$
  select coalesce(json_agg(json_build_object(
      'lot_id', c.lot_id, 'entitlement_id', c.entitlement_id,
      'product_config_id', c.product_config_id, 'verdict', c.verdict, 'available', c.available,
      'credits_per_unit', c.weight, 'effective_at', kotally.iso(c.effective_at),
      'expires_at', kotally.iso(c.expires_at)) order by c.place), '[]')
    from (
      select l.id as lot_id, l.entitlement_id, l.product_config_id, l.available, l.effective_at,
             l.expires_at, kotally.lot_weight(l, p_calendar_id) as weight,
             case when v.verdict = 'eligible' and l.available = 0 then 'EXHAUSTED' else v.verdict end as verdict,
             row_number() over (order by l.is_open desc, case when l.is_open then 0 else 1 end,
               case when l.is_open then l.priority end, case when l.is_open then l.expires_at end nulls last,
               case when l.is_open then l.coverage_width end, case when l.is_open then l.unit_cost end,
               case when l.is_open then l.effective_at end, l.id desc) as place
        from kotally.lots l
       cross join lateral (select kotally.lot_verdict(
           l, kotally.is_blocked(kotally.blockers_of(p_location_id, p_contact_id, p_now),
                                 l.entitlement_id, l.id, p_at),
           p_product_config_id, p_calendar_id, p_at, p_now) as verdict) v
       where l.location_id = p_location_id and l.contact_id = p_contact_id
       order by place limit 50) c
$$;
