-- Post the release of contacts' holds whose time is over, as of that time (S2.5). The caller holds
-- the contacts' locks. Answers how many it released.
create or replace function kotally.post_lapses(
  p_location_id text, p_contact_ids uuid[], p_now timestamptz, p_limit integer
) returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_holds kotally.holds[];
begin
  v_holds := array(
    select h from kotally.holds h
     where h.location_id = p_location_id and h.status = 'held' and h.lapses_at <= p_now
       and h.contact_id = any (p_contact_ids)
     order by h.lapses_at, h.id limit p_limit);
  if cardinality(v_holds) > 0 then
    perform kotally.release_lapsed(p_location_id, v_holds, p_now);
  end if;
  return cardinality(v_holds);
end;
$$;
