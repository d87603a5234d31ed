-- The slices of a funding as a JSON array. Written out by a loop, since a query would cost more than
-- the rest of a deduction; ids and numbers need no escapes.
create or replace function kotally.slices_json(p_slices kotally.slice[])
returns json language plpgsql stable as $$
declare
  v_slice kotally.slice;
  v_text text := '';
begin
  foreach v_slice in array p_slices loop
    v_text := v_text || ',{"entitlement_id":"' || v_slice.entitlement_id || '","lot_id":"' || v_slice.lot_id
                     || '","amount":' || v_slice.amount || '}';
  end loop;
  return '[' || substr(v_text, 2) || ']';
end;
$$;
