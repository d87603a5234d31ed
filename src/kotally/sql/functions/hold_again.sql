-- Open a hold again that a dispute had ended, now that its credits are back in their lots (S10.6).
-- The posting comes without entries; the slices are JSON, lot id and amount each. The caller holds
-- the contact's lock and has seen that the lots have that much.
create or replace function kotally.hold_again(
  p_location_id text, p_hold_id uuid, p_posting text, p_slices text, p_now timestamptz
) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_hold kotally.holds;
  v_posting kotally.new_posting := jsonb_populate_record(null::kotally.new_posting, p_posting::jsonb);
begin
  select * into strict v_hold from kotally.holds h
   where h.location_id = p_location_id and h.id = p_hold_id and h.contact_id = v_posting.contact_id;
  v_posting.hold_id := v_hold.id;
  v_posting.refers_to := v_hold.placed_seq;
  v_posting.external_ref := v_hold.external_ref;
  v_posting.entries := array(
    select ((s ->> 'lot_id')::uuid, 'available', 'held', (s ->> 'amount')::bigint)::kotally.new_entry
      from jsonb_array_elements(p_slices::jsonb) s);
  perform kotally.post(p_location_id, p_now, array[v_posting]);
  update kotally.holds h
     set released = 0, status = 'held', closed_at = null, is_live = true
   where h.location_id = p_location_id and h.id = p_hold_id;
end;
$$;
