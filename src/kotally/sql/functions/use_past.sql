-- Record a past class against the lots that were valid at its time: what has expired of them since
-- comes back for that amount, and is used as of then (S6.7). The decision is that of a deduction at
-- that time. The caller holds the contact's lock. Its postings are the parts p_part and after.
create or replace function kotally.use_past(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_part smallint, p_now timestamptz
) returns kotally.outcome language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  v_at timestamptz := p_act.appointment_at;
  v_state kotally.spending := kotally.spending_of(p_location_id, p_contact_id, p_now);
  v_back kotally.new_posting;
begin
  if exists (
       select from kotally.holds h
        where h.location_id = p_location_id and h.contact_id = p_contact_id
          and h.external_ref = p_act.external_ref and h.is_live) then
    return kotally.take_now(p_location_id, p_act, p_contact_id, p_now, p_part);
  end if;
  v_state.plans := null;
  select array_agg(o.lot), array_agg((o.lot).available + (o.lot).expired) into v_state.lots, v_state.available
    from (
      select l as lot from kotally.lots l
       where l.location_id = p_location_id and l.contact_id = p_contact_id
         and l.available + l.expired > 0 and l.class <> 'advance'
       order by l.priority, l.expires_at nulls last, l.coverage_width, l.unit_cost, l.effective_at, l.id) o;
  v_state := kotally.take(
    p_location_id, p_act, p_contact_id, v_state, v_at,
    (select l.cancel_window_minutes from kotally.location_of(p_location_id) l));
  if v_state.code = 'deducted' then
    v_back := kotally.posting_for(
      p_act, p_contact_id, 'expire', 'correction', p_now, null, null, array(
        select (l.id, 'expired', 'available', e.amount - l.available)::kotally.new_entry
          from unnest((v_state.posting).entries) e
          join kotally.lots l on l.location_id = p_location_id and l.id = e.lot_id
         where e.amount > l.available));
    v_back.id := kotally.new_id();
    v_back.part := p_part;
    v_state.posting.part := p_part + 1;
    if cardinality(v_back.entries) > 0 then
      perform kotally.post(p_location_id, p_now, array[v_back]);
      v_state.hold.placed_seq := (v_state.hold).placed_seq + 1;
    end if;
    perform kotally.enter(p_location_id, p_now, array[v_state.posting], array[v_state.hold]);
    perform kotally.start_lots(p_location_id, (v_state.hold).id, p_now);
  end if;
  return (0, v_state.code, false, p_act.correlation_id, json_build_object(
    'contact_id', p_contact_id, 'balance_after', kotally.visible_balance(p_location_id, p_contact_id, p_now),
    'credits', coalesce((v_state.hold).amount, 0), 'hold_id', (v_state.hold).id,
    'credits_revived', coalesce((select sum(e.amount) from unnest(v_back.entries) e), 0),
    'slices', coalesce(v_state.answer::json -> 'slices', '[]'),
    'short_by', v_state.answer::json -> 'short_by'))::kotally.outcome;
end;
$$;
