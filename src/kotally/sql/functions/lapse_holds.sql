-- Post the release of holds whose time is over (S2.5). Claims whole contacts and passes over those
-- somebody else has locked. Answers how many it released.
create or replace function kotally.lapse_holds(p_location_id text, p_limit integer)
returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := kotally.location_now(p_location_id);
  v_contacts uuid[];
  v_holds kotally.holds[];
begin
  v_contacts := array(
    select b.contact_id from kotally.balances b
     where b.location_id = p_location_id and b.contact_id in (
       select h.contact_id from kotally.holds h
        where h.location_id = p_location_id and h.status = 'held' and h.lapses_at <= v_now
        order by h.lapses_at limit p_limit)
     order by b.contact_id for no key update skip locked);
  v_holds := array(
    select h from kotally.holds h
     where h.location_id = p_location_id and h.status = 'held' and h.lapses_at <= v_now
       and h.contact_id = any (v_contacts)
     order by h.lapses_at, h.id limit p_limit);
  if cardinality(v_holds) > 0 then
    perform kotally.release_lapsed(p_location_id, v_holds, v_now);
  end if;
  return cardinality(v_holds);
end;
$$;
