-- Post the release of holds whose time is over (S2.5). Claims whole contacts and passes over those
-- somebody else has locked. Answers how many it released.
create or replace function kotally.lapse_holds(p_location_id text, p_limit integer)
returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := kotally.location_now(p_location_id);
  v_contacts uuid[];
begin
  v_contacts := array(
    select b.contact_id from kotally.balances b
     where b.location_id = p_location_id and b.contact_id in (
       select h.contact_id from kotally.holds h
        where h.location_id = p_location_id and h.status = 'held' and h.lapses_at <= v_now
        order by h.lapses_at limit p_limit)
     order by b.contact_id for no key update skip locked);
  return kotally.post_lapses(p_location_id, v_contacts, v_now, p_limit);
end;
$$;
