-- Settle a hold, or settle it anew: so much used up, so much forfeited, the rest back. The posting
-- comes without entries; the caller holds the contact's lock. Answers what is used up, forfeited
-- and returned now, what went back and is lost (S4.4), what was taken anew and what could not be, and
-- what went back from where to where (kotally.given_back).
create or replace function kotally.conclude_hold(
  p_location_id text, p_hold_id uuid, p_posting text, p_captured bigint, p_penalised bigint,
  p_status text, p_by_studio boolean, p_now timestamptz
) returns json language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  v_hold kotally.holds;
  v_posting kotally.new_posting := jsonb_populate_record(null::kotally.new_posting, p_posting::jsonb);
  v_plan kotally.return_plan;
  v_short bigint := 0;
  v record;
begin
  select * into strict v_hold from kotally.holds h
   where h.location_id = p_location_id and h.id = p_hold_id and h.contact_id = v_posting.contact_id;
  v_plan := kotally.conclude_plan(v_hold, p_captured, p_penalised, p_by_studio, p_now);
  if cardinality(v_plan.entries) > 0 then
    v_posting.entries := v_plan.entries;
    v_posting.hold_id := v_hold.id;
    v_posting.refers_to := v_hold.placed_seq;
    v_posting.external_ref := coalesce(v_posting.external_ref, v_hold.external_ref);
    perform kotally.post(p_location_id, p_now, array[v_posting], v_plan.lots);
  end if;
  select coalesce(sum(e.amount) filter (where e.from_bucket = 'available'), 0)::bigint as taken,
         coalesce(sum(e.amount) filter (where e.to_bucket = 'consumed' and e.from_bucket <> 'revoked'), 0)::bigint
           - coalesce(sum(e.amount) filter (where e.from_bucket = 'consumed' and e.to_bucket = 'penalty'), 0)::bigint
           as captured,
         coalesce(sum(e.amount) filter (where e.to_bucket = 'penalty' and e.from_bucket <> 'revoked'), 0)::bigint
           - coalesce(sum(e.amount) filter (where e.from_bucket = 'penalty' and e.to_bucket = 'consumed'), 0)::bigint
           as penalised,
         coalesce(sum(e.amount) filter (
           where e.from_bucket = 'held' and e.to_bucket not in ('consumed', 'penalty')), 0)::bigint as released,
         coalesce(sum(e.amount) filter (
           where e.from_bucket in ('consumed', 'penalty')
             and e.to_bucket not in ('consumed', 'penalty')), 0)::bigint
           -- A use that a refund had taken back becomes one again as it is given back.
           - coalesce(sum(e.amount) filter (where e.from_bucket = 'revoked'), 0)::bigint as returned,
         coalesce(sum(e.amount) filter (where e.to_bucket = 'expired'), 0)::bigint as expired
    into v from unnest(v_plan.entries) e;
  update kotally.holds h
     set amount = h.amount + v.taken, captured = h.captured + v.captured,
         penalised = h.penalised + v.penalised, released = h.released + v.released,
         returned = h.returned + v.returned,
         -- What was settled before and now goes back keeps how it ended.
         status = case when p_status = 'released' and h.status <> 'held' then h.status else p_status end,
         closed_at = coalesce(h.closed_at, v_posting.effective_at, p_now),
         is_live = case when h.amount + v.taken = 0 then p_status in ('captured', 'penalised')
                        else h.released + v.released + h.returned + v.returned < h.amount + v.taken end
   where h.location_id = p_location_id and h.id = p_hold_id;
  perform kotally.start_lots(p_location_id, p_hold_id, p_now);
  if v_hold.status <> 'held' and p_captured + p_penalised > 0 then
    v_short := greatest(p_captured - coalesce((
        select sum(s.amount) from kotally.hold_slices(v_hold, 'consumed') s), 0), 0)
      + greatest(p_penalised - coalesce((
        select sum(s.amount) from kotally.hold_slices(v_hold, 'penalty') s), 0), 0);
  end if;
  return json_build_object(
    'credits_captured', v.captured, 'credits_penalised', v.penalised,
    'credits_returned', v.released + v.returned - v.expired, 'credits_expired', v.expired,
    'credits_taken', v.taken, 'credits_short', v_short, 'was_live', v_hold.is_live,
    'slices', (
      select coalesce(json_agg(s), '[]') from kotally.given_back(v_plan.entries) s),
    'balance_after', kotally.visible_balance(p_location_id, v_hold.contact_id, p_now));
end;
$$;
