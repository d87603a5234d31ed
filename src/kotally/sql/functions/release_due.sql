-- Release what has lapsed of a batch's contacts before anything is decided (S2.5): the credits are
-- the contact's again, and the hold is closed. One look at an index that is nearly always empty.
create or replace function kotally.release_due(p_location_id text, p_contact_ids uuid[], p_now timestamptz)
returns void language plpgsql as $$
declare
  v_holds kotally.holds[];
begin
  v_holds := array(
    select h from kotally.holds h
     where h.location_id = p_location_id and h.status = 'held' and h.lapses_at <= p_now
       and h.contact_id = any (p_contact_ids)
     order by h.lapses_at, h.id);
  if cardinality(v_holds) > 0 then
    perform kotally.release_lapsed(p_location_id, v_holds, p_now);
  end if;
end;
$$;
