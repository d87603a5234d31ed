-- Post the expiry of lots that are due, at the time they expired (S6.5): only their own available
-- credits, once per lot; what waits for its roll-over is left (S7.7). Claims whole contacts and
-- passes over those somebody else has locked.
-- Answers how many lots it expired; fewer than the limit means that nothing more is due.
create or replace function kotally.expire_lots(p_location_id text, p_limit integer)
returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_now timestamptz := kotally.location_now(p_location_id);
  v_contacts uuid[];
  v_postings kotally.new_posting[];
begin
  v_contacts := array(
    select b.contact_id from kotally.balances b
     where b.location_id = p_location_id and b.contact_id in (
       select l.contact_id from kotally.lots l
        where l.location_id = p_location_id and l.is_open and l.available > 0 and l.expires_at <= v_now
          and kotally.is_expired(l, v_now) and not kotally.awaits_roll(l)
        order by l.expires_at limit p_limit)
     order by b.contact_id for no key update skip locked);
  v_postings := array(
    select (
      l.contact_id, kotally.new_id(), 'expire', 'expired', 'sweep', 'sweep:expire_lots',
      -- What a late release adds to a lot that has expired before is an expiry of its own.
      format('expire:%s:%s:%s', l.id, extract(epoch from coalesce(l.projected_expires_at, l.expires_at))::bigint, l.expired), 0::smallint,
      kotally.new_id(), coalesce(l.projected_expires_at, l.expires_at), null, null, null, null,
      array[(l.id, 'available', 'expired', l.available)::kotally.new_entry])::kotally.new_posting
      from kotally.lots l
     where l.location_id = p_location_id and l.contact_id = any (v_contacts)
       and l.is_open and l.available > 0 and kotally.is_expired(l, v_now)
       and not kotally.awaits_roll(l)
     order by l.contact_id, l.expires_at, l.id
     limit p_limit);
  if cardinality(v_postings) > 0 then
    perform kotally.post(p_location_id, v_now, v_postings);
  end if;
  return cardinality(v_postings);
end;
$$;
