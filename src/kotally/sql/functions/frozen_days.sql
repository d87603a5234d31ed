-- How many days of a freeze a lot was frozen for: from the lot's own first day on, and no day twice
-- when freezes of several memberships cover it (S8.4). What has ended counts before what has not.
create or replace function kotally.frozen_days(p_lot kotally.lots, p_freeze kotally.freezes, p_timezone text)
returns integer language sql stable as $$
  select count(*)::integer
    from generate_series(
      greatest(p_freeze.starts_on, (p_lot.effective_at at time zone p_timezone)::date)::timestamp,
      p_freeze.resumes_on - interval '1 day', interval '1 day') d
   where not exists (
     select from kotally.freezes g
      where g.location_id = p_lot.location_id and g.contact_id = p_lot.contact_id
        and g.id <> p_freeze.id and (g.membership_id = p_lot.entitlement_id or g.covers_packs)
        and (g.status = 'ended'
             or p_freeze.status <> 'ended' and g.status in ('planned', 'running')
                and (g.starts_on, g.id) < (p_freeze.starts_on, p_freeze.id))
        and d::date >= g.starts_on and d::date < g.resumes_on)
$$;
