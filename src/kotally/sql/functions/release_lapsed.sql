-- Post the release of holds whose time is over, as of that time: a late sweep changes nothing
-- (S2.5). The caller holds the contacts' locks and has seen that the holds are open.
create or replace function kotally.release_lapsed(p_location_id text, p_holds kotally.holds[], p_now timestamptz)
returns void language plpgsql as $$
declare
  v_hold kotally.holds;
  v_return kotally.return_plan;
  v_postings kotally.new_posting[] := '{}';
  v_lots kotally.lots[] := '{}';
begin
  foreach v_hold in array p_holds loop
    continue when v_hold.amount = 0;
    v_return := kotally.plan_return(v_hold, 'held', v_hold.amount, v_hold.lapses_at);
    v_lots := v_lots || v_return.lots;
    v_postings := v_postings || (
      v_hold.contact_id, kotally.new_id(), 'release', 'hold_lapsed', 'sweep', 'sweep:lapse_holds',
      'lapse:' || v_hold.id, 0, kotally.new_id(), v_hold.lapses_at, v_hold.external_ref, v_hold.id,
      v_hold.placed_seq, null, v_return.entries)::kotally.new_posting;
  end loop;
  if cardinality(v_postings) > 0 then
    perform kotally.post(p_location_id, p_now, v_postings, v_lots);
  end if;
  update kotally.holds h
     set released = h.amount, status = 'released', closed_at = h.lapses_at, is_live = false
    from unnest(p_holds) l
   where h.location_id = p_location_id and h.id = l.id;
  perform kotally.start_lots(p_location_id, h.id, p_now) from unnest(p_holds) h;
end;
$$;
