-- Post the expiry of contacts' lots that are due, at the time they expired (S6.5): only their own
-- available credits, once per lot; what waits for its roll-over is left (S7.7). The caller holds
-- the contacts' locks. Answers how many lots it expired.
create or replace function kotally.post_expiries(
  p_location_id text, p_contact_ids uuid[], p_now timestamptz, p_limit integer
) returns integer language plpgsql
set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_postings kotally.new_posting[];
begin
  v_postings := array(
    select (
      l.contact_id, kotally.new_id(), 'expire', 'expired', 'sweep', 'sweep:expire_lots',
      -- What a late release adds to a lot that has expired before is an expiry of its own.
      format('expire:%s:%s:%s', l.id, extract(epoch from coalesce(l.projected_expires_at, l.expires_at))::bigint, l.expired), 0::smallint,
      kotally.new_id(), coalesce(l.projected_expires_at, l.expires_at), null, null, null, null,
      array[(l.id, 'available', 'expired', l.available)::kotally.new_entry])::kotally.new_posting
      from kotally.lots l
     where l.location_id = p_location_id and l.contact_id = any (p_contact_ids)
       and l.is_open and l.available > 0 and kotally.is_expired(l, p_now)
       and not kotally.awaits_roll(l)
     order by l.contact_id, l.expires_at, l.id
     limit p_limit);
  if cardinality(v_postings) > 0 then
    perform kotally.post(p_location_id, p_now, v_postings);
  end if;
  return cardinality(v_postings);
end;
$$;
