-- The entitlement a hold drew from first.
create or replace function kotally.first_entitlement(p_hold kotally.holds)
returns uuid language sql stable as $$
  select coalesce(p_hold.entitlement_id, (select l.entitlement_id
    from kotally.entries e
    join kotally.lots l on l.location_id = p_hold.location_id and l.id = e.lot_id
   where e.location_id = p_hold.location_id and e.contact_id = p_hold.contact_id
     and e.seq = p_hold.placed_seq and e.line = 1))
$$;
