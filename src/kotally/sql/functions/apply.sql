-- Carry out a batch of acts of one location in one transaction, in order for each contact.
-- All contacts are locked first; each act is decided by itself, so one refusal leaves the others
-- alone, and the batch commits as one. Deductions and holds are decided in memory and written
-- together; other acts are carried out one by one by kotally.carry_out.
-- With p_atomic the first refusal raises KT001 and nothing is written.
create or replace function kotally.apply(p_location_id text, p_acts kotally.act[], p_atomic boolean default false)
returns setof kotally.outcome language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
declare
  v_location record;
  v_recorded_at timestamptz;
  v_contact_ids uuid[];  -- of each act
  v record;
  v_act kotally.act;
  v_state kotally.spending;
  v_out kotally.outcome;
  v_is_flushed boolean := false;
  v_postings kotally.new_posting[] := '{}';
  v_holds kotally.holds[] := '{}';
  v_refs text[] := '{}';  -- the bookings that the contact at hand has taken in this batch
  v_requests kotally.requests[] := '{}';
begin
  select * into v_location from kotally.location_of(p_location_id);
  v_recorded_at := kotally.recorded_at(p_location_id, v_location.now);
  v_contact_ids := kotally.lock_acts(p_location_id, p_acts, v_location.is_suspended, v_location.now);
  perform kotally.release_due(p_location_id, v_contact_ids, v_location.now);
  for v in select * from kotally.intake(p_location_id, p_acts, v_contact_ids, v_location.now) loop
    v_act := v.act;
    if v.is_first then
      v_refs := '{}';
      v_state := (v.lots, v.available, v.blockers, v.seq, null, null, null, null, v.plans)::kotally.spending;
    end if;
    if v.known then
      v_out := kotally.replay(p_location_id, v_act, v.ord);
    elsif v_act.operation in ('deduct', 'hold') and v.contact_id is not null and not v_location.is_suspended
       and not v.is_taken and not v_is_flushed
       and v_state.plans is null  -- caps count what is written, so those are decided one by one
       and (v_act.external_ref is null or v_act.external_ref <> all (v_refs)) then
      v_state := kotally.take(p_location_id, v_act, v.contact_id, v_state,
                              v_location.now, v_location.cancel_window_minutes);
      v_out := (v.ord, v_state.code, false, v_act.correlation_id, v_state.answer)::kotally.outcome;
      if v_out.code in ('deducted', 'held') then
        v_postings := v_postings || v_state.posting;
        v_holds := v_holds || v_state.hold;
        v_refs := array_remove(v_refs || v_act.external_ref, null);
      end if;
    else
      -- The other acts read what earlier ones wrote, and so must all that follow them.
      if cardinality(v_holds) > 0 then
        perform kotally.enter(p_location_id, v_location.now, v_postings, v_holds);
      end if;
      v_postings := '{}'; v_holds := '{}'; v_is_flushed := true;
      v_out := kotally.carry_out(p_location_id, v_act, v.contact_id, v_location.is_suspended, v_location.now);
      v_out.ord := v.ord;
    end if;
    if v_out.code = upper(v_out.code) and not v.known then
      v_out := kotally.or_stale(p_location_id, v_act, v.contact_id, v_out, v_location.now);
    end if;
    if p_atomic then
      perform kotally.demand_done(v_out);
    end if;
    -- A stale act is planned anew by its caller, so it has not been decided.
    if not v.known and v_out.code <> 'STALE' and v_act.operation <> 'check' then
      v_requests := v_requests || kotally.request_for(p_location_id, v_act, v.contact_id, v_out, v_recorded_at);
    end if;
    return next v_out;
  end loop;
  if cardinality(v_requests) > 0 then
    perform kotally.enter(p_location_id, v_location.now, v_postings, v_holds, v_requests);
  end if;
  -- The same request twice in one batch is a repetition of the first.
  for v_out in select r.* from kotally.repetitions(p_location_id, p_acts) r loop
    if p_atomic then
      perform kotally.demand_done(v_out);
    end if;
    return next v_out;
  end loop;
end;
$$;
