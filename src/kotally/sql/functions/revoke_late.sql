-- What a slice that comes back owes to a refund of its purchase: it goes to the revocation that had
-- found it used, before the member (S4.5), and while the purchase is disputed to what is suspended
-- (S10.6). Answers the entries; those that leave p_from say how much of p_amount they are. p_planned is
-- what has been planned of the same posting before.
create or replace function kotally.revoke_late(
  p_lot kotally.lots, p_from kotally.bucket, p_amount bigint,
  p_planned kotally.new_entry[], p_now timestamptz
) returns kotally.return_plan language plpgsql volatile as $$
declare
  v_payment kotally.payments;
  v_debt record;
  v_left bigint := p_amount;
  v_take bigint;
  v_plan kotally.return_plan := ('{}', '{}')::kotally.return_plan;
  v_back kotally.return_plan;
  v_own bigint := case p_from when 'consumed' then p_lot.consumed + kotally.planned(p_planned, p_lot.id, p_from)
                              when 'penalty' then p_lot.penalty + kotally.planned(p_planned, p_lot.id, p_from)
                              else p_amount end;
begin
  select * into v_payment from kotally.payments p
   where p.location_id = p_lot.location_id and p.id = p_lot.payment_id;
  v_take := least(v_left, coalesce(v_payment.credits_uncollected, 0), v_own);
  if v_take > 0 then
    v_left := v_left - v_take;
    v_plan.entries := array[(p_lot.id, p_from, 'revoked', v_take)::kotally.new_entry];
    update kotally.payments p set credits_uncollected = p.credits_uncollected - v_take
     where p.location_id = p_lot.location_id and p.id = p_lot.payment_id;
  end if;
  -- A debt stands for used credits of the lot it came from: that use becomes one again, and the
  -- credit that comes back takes its place in the revocation.
  for v_debt in
    select l as lot, b.bucket, b.there
      from kotally.lots l
     cross join lateral (values
       ('consumed'::kotally.bucket, l.consumed::bigint), ('penalty', l.penalty)) b (bucket, there)
     where l.location_id = p_lot.location_id and l.contact_id = p_lot.contact_id
       and l.entitlement_id = p_lot.entitlement_id and l.payment_id = p_lot.payment_id
       and l.class = 'advance' and b.there > 0
     order by l.parent_lot_id = p_lot.id desc, b.bucket = p_from desc, l.issued_at, l.id
  loop
    exit when v_left = 0 or coalesce(v_payment.credits_revoked, 0) = 0;
    v_take := least(v_left, v_debt.there + kotally.planned(
      p_planned || v_plan.entries, (v_debt.lot).id, v_debt.bucket));
    continue when v_take <= 0;
    v_left := v_left - v_take;
    v_back := kotally.pay_back_debt(
      v_debt.lot, v_debt.bucket, v_take, p_lot, p_planned || v_plan.entries, p_now);
    v_plan.lots := v_plan.lots || v_back.lots;
    v_plan.entries := v_plan.entries
      || ((v_debt.lot).parent_lot_id, 'revoked', v_debt.bucket, v_take)::kotally.new_entry
      || (p_lot.id, p_from, 'revoked', v_take)::kotally.new_entry
      || v_back.entries;
  end loop;
  if v_left > 0 and v_payment.is_disputed then
    v_plan.entries := v_plan.entries || (p_lot.id, p_from, 'suspended', v_left)::kotally.new_entry;
  end if;
  return v_plan;
end;
$$;
