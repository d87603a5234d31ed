-- Pay a contact's debts from a lot that was just granted, oldest debt first (S11.5). The posting
-- comes without entries; the caller holds the contact's lock. Answers how much was paid back.
create or replace function kotally.settle_debts(
  p_location_id text, p_posting kotally.new_posting, p_lot_id uuid, p_now timestamptz
) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_posting kotally.new_posting := p_posting;
  v_debt record;
  v_pay bigint;
  v_left bigint;
  v_paid bigint := 0;
begin
  if p_lot_id is null or not exists (
       select from kotally.balances b
        where b.location_id = p_location_id and b.contact_id = p_posting.contact_id and b.owed > 0) then
    return 0;
  end if;
  v_left := (
    select l.available from kotally.lots l
     where l.location_id = p_location_id and l.id = p_lot_id and l.class <> 'advance');
  v_posting.entries := '{}';
  for v_debt in
    select l.id, l.owed from kotally.lots l
     where l.location_id = p_location_id and l.contact_id = p_posting.contact_id
       and l.is_open and l.owed > 0
     order by l.issued_at, l.id
  loop
    exit when v_left = 0;
    v_pay := least(v_left, v_debt.owed);
    v_left := v_left - v_pay;
    v_paid := v_paid + v_pay;
    v_posting.entries := v_posting.entries
      || (p_lot_id, 'available', 'transferred', v_pay)::kotally.new_entry
      || (v_debt.id, 'issued', 'owed', v_pay)::kotally.new_entry;
  end loop;
  if v_paid > 0 then
    perform kotally.post(p_location_id, p_now, array[v_posting]);
  end if;
  return v_paid;
end;
$$;
