-- Reserve or use up credits for a booking inside a larger act (S2.1): the decision is that of any
-- deduction. The caller holds the contact's lock.
create or replace function kotally.place_hold(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_part smallint, p_now timestamptz
) returns kotally.outcome language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  perform kotally.release_due(p_location_id, array[p_contact_id], p_now);
  return kotally.take_now(p_location_id, p_act, p_contact_id, p_now, p_part);
end;
$$;
