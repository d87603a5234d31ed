-- Make a debt smaller because what it was for is given back. What is still owed is no longer; what
-- a later grant had paid goes back to the lot it was paid from, or if that has expired meanwhile
-- into a new lot like p_like. p_planned is what has been planned of the same posting before.
create or replace function kotally.pay_back_debt(
  p_debt kotally.lots, p_from kotally.bucket, p_amount bigint, p_like kotally.lots,
  p_planned kotally.new_entry[], p_now timestamptz
) returns kotally.return_plan language plpgsql volatile as $$
declare
  v_owed bigint := least(p_amount, p_debt.owed - kotally.planned(p_planned, p_debt.id, 'owed'));
  v_left bigint := p_amount - v_owed;
  v_payer record;
  v_take bigint;
  v_new kotally.lots;
  v_plan kotally.return_plan := ('{}', '{}')::kotally.return_plan;
begin
  -- What was settled is not owed any more: it leaves the books before the debt is made smaller.
  if v_left > 0 then
    v_plan.entries := array[(p_debt.id, 'owed', 'issued', v_left)::kotally.new_entry];
  end if;
  v_plan.entries := v_plan.entries || (p_debt.id, p_from, 'owed', v_owed + v_left)::kotally.new_entry;
  if v_left = 0 then
    return v_plan;
  end if;
  for v_payer in
    select l.id,
           least(l.transferred + kotally.planned(p_planned, l.id, 'transferred'), sum(s.amount))::bigint as paid
      from kotally.entries e
      join kotally.entries s
        on s.location_id = e.location_id and s.contact_id = e.contact_id and s.seq = e.seq
       and s.line = e.line - 1
      join kotally.lots l on l.location_id = e.location_id and l.id = s.lot_id
     where e.location_id = p_debt.location_id and e.contact_id = p_debt.contact_id
       and e.lot_id = p_debt.id and e.from_bucket = 'issued' and e.to_bucket = 'owed'
       and s.from_bucket = 'available' and s.to_bucket = 'transferred'
       and not kotally.is_expired(l, p_now)
     group by l.id, l.transferred, l.issued_at
     order by l.issued_at desc, l.id desc
  loop
    exit when v_left = 0;
    v_take := least(v_left, v_payer.paid);
    continue when v_take <= 0;
    v_left := v_left - v_take;
    v_plan.entries := v_plan.entries
      || (v_payer.id, 'transferred', 'available', v_take)::kotally.new_entry;
  end loop;
  if v_left > 0 then
    v_new := kotally.restored_lot(p_like, v_left, p_now);
    v_new.payment_id := null;
    v_plan.lots := array[v_new];
    v_plan.entries := v_plan.entries || (v_new.id, 'issued', 'available', v_left)::kotally.new_entry;
  end if;
  return v_plan;
end;
$$;
