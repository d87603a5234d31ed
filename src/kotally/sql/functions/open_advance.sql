-- Make the lot that a decided act owes to, if it pays in advance from one that does not exist yet.
create or replace function kotally.open_advance(
  p_location_id text, p_contact_id uuid, p_state kotally.spending, p_now timestamptz
) returns void language plpgsql as $$
declare
  v_entry kotally.new_entry;
  v_lot kotally.lots;
begin
  foreach v_entry in array (p_state.posting).entries loop
    continue when v_entry.from_bucket <> 'owed' or exists (
      select from kotally.lots l where l.location_id = p_location_id and l.id = v_entry.lot_id);
    v_lot := kotally.empty_lot(p_location_id, p_contact_id, p_now);
    v_lot.id := v_entry.lot_id;
    v_lot.class := 'advance';
    select e.id, e.product_config_id, e.product_version, v.coverage
      into v_lot.entitlement_id, v_lot.product_config_id, v_lot.product_version, v_lot.coverage
      from json_array_elements(p_state.answer::json -> 'slices') s
      join kotally.entitlements e
        on e.location_id = p_location_id and e.id = (s ->> 'entitlement_id')::uuid
      join kotally.product_versions v
        on v.location_id = p_location_id and v.product_id = e.product_config_id
       and v.version = e.product_version
     where (s ->> 'lot_id')::uuid = v_entry.lot_id;
    perform kotally.open_lots(p_location_id, array[v_lot]);
  end loop;
end;
$$;
