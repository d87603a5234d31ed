-- Take credits for a hold that had gone back: from the lots it had used first, then as it would be
-- paid for now (S1.3). Takes what there is, which may be less than was asked for.
create or replace function kotally.retake(
  p_hold kotally.holds, p_to kotally.bucket, p_credits bigint, p_now timestamptz)
returns kotally.new_entry[] language plpgsql stable as $$
declare
  v record;
  v_left bigint := p_credits;
  v_state kotally.spending := kotally.narrowed(
    p_hold.location_id, p_hold.contact_id,
    kotally.spending_of(p_hold.location_id, p_hold.contact_id, p_now), kotally.args_of_hold(p_hold));
  v_entries kotally.new_entry[] := '{}';
begin
  for v in
    select l.id, l.available
      from generate_subscripts(v_state.lots, 1) i
     cross join lateral (select (v_state.lots[i]).id, (v_state.lots[i]).available,
                                (v_state.lots[i]).entitlement_id) l
     where kotally.lot_verdict(
             v_state.lots[i], kotally.is_blocked(v_state.blockers, l.entitlement_id, l.id, p_now),
             p_hold.product_config_id, p_hold.calendar_id, p_now, p_now) = 'eligible'
       and l.available > 0
     order by not exists (
         select from kotally.entries e
          where e.location_id = p_hold.location_id and e.contact_id = p_hold.contact_id
            and e.seq = p_hold.placed_seq and e.lot_id = l.id), i
  loop
    exit when v_left = 0;
    v_entries := v_entries || (v.id, 'available', p_to, least(v.available, v_left))::kotally.new_entry;
    v_left := v_left - least(v.available, v_left);
  end loop;
  return v_entries;
end;
$$;
