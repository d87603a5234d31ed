-- Whether contacts, named as the callers name them, could pay now, and on request why and why not
-- for every lot (S3): many questions by one statement. Reads only. STALE: something is due that the
-- worker has not done, so the caller does that first; `as_it_stands` asks for the answer anyhow.
create or replace function kotally.check(p_location_id text, p_acts kotally.act[])
returns setof kotally.outcome language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_now timestamptz := kotally.location_now(p_location_id);
  v record;
  v_out kotally.outcome;
begin
  for v in
    select a.ordinality::integer as ord, p_acts[a.ordinality] as act, c.id as contact_id,
           not coalesce(a.args::jsonb ? 'as_it_stands', false)
             and exists (select from kotally.due_of(p_location_id, c.id, v_now)) as is_stale,
           coalesce(a.args::jsonb ? 'explain', false) as explain,
           (s.lots, s.available, s.blockers, s.seq, null, null, null, null, s.plans)::kotally.spending as state
      from unnest(p_acts) with ordinality a
      left join kotally.contacts c
        on c.location_id = p_location_id and c.external_id = a.external_contact_id
      left join lateral kotally.spending_state(p_location_id, c.id, v_now) s on true
  loop
    if v.is_stale then
      v_out := (v.ord, 'STALE', false, (v.act).correlation_id, '{}')::kotally.outcome;
    else
      v_out := kotally.check_eligibility(p_location_id, v.act, v.contact_id, v.state, v_now);
      v_out.ord := v.ord;
    end if;
    if v.explain and not v.is_stale then
      v_out.answer := left(v_out.answer, -1) || ', "explain" : ' || kotally.explain(
        p_location_id, v.contact_id, (v.act).product_config_id, (v.act).calendar_id,
        greatest((v.act).appointment_at, v_now), v_now) || '}';
    end if;
    return next v_out;
  end loop;
end;
$$;
