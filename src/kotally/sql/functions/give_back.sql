-- Return credits of a captured hold, or end an open one by returning some and using up the rest.
-- Answers how many of them are lost, because their lot has expired and has no days of grace (S4.4).
create or replace function kotally.give_back(
  p_location_id text, p_act kotally.act, p_hold kotally.holds, p_credits bigint, p_now timestamptz
) returns bigint language plpgsql as $$
declare
  v_is_open boolean := p_hold.status = 'held';
  v_plan kotally.return_plan;
begin
  v_plan := kotally.plan_return(
    p_hold, case when v_is_open then 'held' else 'consumed' end::kotally.bucket, p_credits, p_now);
  if v_is_open and p_credits < p_hold.amount then
    v_plan.entries := kotally.plan_capture(p_hold, p_hold.amount - p_credits) || v_plan.entries;
  end if;
  if cardinality(v_plan.entries) > 0 then
    perform kotally.post(p_location_id, p_now, array[kotally.posting_for(
      p_act, p_hold.contact_id, case when v_is_open then 'release' else 'restore' end,
      coalesce(p_act.args::jsonb ->> 'reason', 'cancelled_in_time'), p_now, p_hold.id, p_hold.placed_seq,
      v_plan.entries)], v_plan.lots);
  end if;
  update kotally.holds h
     set released = h.released + case when v_is_open then p_credits else 0 end,
         captured = h.captured + case when v_is_open then h.amount - p_credits else 0 end,
         returned = h.returned + case when v_is_open then 0 else p_credits end,
         status = case when v_is_open then 'released' else h.status end,
         closed_at = coalesce(h.closed_at, p_now),
         is_live = h.released + h.returned + p_credits < h.amount
   where h.location_id = p_location_id and h.id = p_hold.id;
  perform kotally.start_lots(p_location_id, p_hold.id, p_now);
  perform kotally.follow_hold(p_location_id, p_hold.id, p_act, p_now);
  return (select coalesce(sum(e.amount), 0) from unnest(v_plan.entries) e where e.to_bucket = 'expired');
end;
$$;
