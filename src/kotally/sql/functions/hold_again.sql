-- Give a hold again what it had, now that its credits are back in their lots: when a dispute that
-- had ended it is won (S10.6), or the cancellation of its class is undone (S4.7). The posting comes
-- without entries; the slices are JSON, lot id and amount each, and as what the hold had it unless
-- it was held. The caller holds the contact's lock and has seen that the lots have that much.
create or replace function kotally.hold_again(
  p_location_id text, p_hold_id uuid, p_posting text, p_slices text, p_now timestamptz
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_hold kotally.holds;
  v_posting kotally.new_posting := jsonb_populate_record(null::kotally.new_posting, p_posting::jsonb);
  v record;
begin
  select * into strict v_hold from kotally.holds h
   where h.location_id = p_location_id and h.id = p_hold_id and h.contact_id = v_posting.contact_id;
  v_posting.hold_id := v_hold.id;
  v_posting.refers_to := v_hold.placed_seq;
  v_posting.external_ref := v_hold.external_ref;
  v_posting.entries := array(
    select ((s ->> 'lot_id')::uuid, 'available', coalesce(s ->> 'bucket', 'held'),
            (s ->> 'amount')::bigint)::kotally.new_entry
      from jsonb_array_elements(p_slices::jsonb) s);
  if cardinality(v_posting.entries) > 0 then
    perform kotally.post(p_location_id, p_now, array[v_posting]);
  end if;
  select coalesce(sum(e.amount) filter (where e.to_bucket = 'held'), 0)::bigint as held,
         coalesce(sum(e.amount) filter (where e.to_bucket = 'consumed'), 0)::bigint as consumed,
         coalesce(sum(e.amount) filter (where e.to_bucket = 'penalty'), 0)::bigint as penalty
    into v from unnest(v_posting.entries) e;
  -- What was used up or forfeited is taken anew; what was only held was never given away.
  update kotally.holds h
     set amount = h.amount + v.consumed + v.penalty, captured = h.captured + v.consumed,
         penalised = h.penalised + v.penalty, released = h.released - v.held,
         status = case h.status when 'released' then 'held' else h.status end,
         closed_at = case when h.status <> 'released' then h.closed_at end, is_live = true
   where h.location_id = p_location_id and h.id = p_hold_id;
  perform kotally.start_lots(p_location_id, p_hold_id, p_now);
end;
$$;
