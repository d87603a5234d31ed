-- Post the expiry of lots that are due, whosever they are. Claims whole contacts and passes over
-- those somebody else has locked.
-- Answers how many lots it expired; fewer than the limit means that nothing more is due.
create or replace function kotally.expire_lots(p_location_id text, p_limit integer)
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
       select l.contact_id from kotally.lots l
        where l.location_id = p_location_id and l.is_open and l.available > 0 and l.expires_at <= v_now
          and kotally.is_expired(l, v_now) and not kotally.awaits_roll(l)
        order by l.expires_at limit p_limit)
     order by b.contact_id for no key update skip locked);
  return kotally.post_expiries(p_location_id, v_contacts, v_now, p_limit);
end;
$$;
