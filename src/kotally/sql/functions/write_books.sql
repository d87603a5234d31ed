-- Write what kotally.enter has worked out, by one statement: to start and end one for each table
-- would cost a small batch more than its rows.
create or replace function kotally.write_books(
  p_location_id text, p_postings kotally.postings[], p_entries kotally.entries[],
  p_balances kotally.balances[], p_holds kotally.holds[], p_requests kotally.requests[]
) returns void language plpgsql as $$
begin
  with postings as (
    insert into kotally.postings select r.* from unnest(p_postings) r where r.location_id = p_location_id
  ), entries as (
    insert into kotally.entries select e.* from unnest(p_entries) e where e.location_id = p_location_id
  ), lots as (
    update kotally.lots l
       set issued = l.issued - d.issued, owed = l.owed - d.owed,
           available = l.available + d.available, held = l.held + d.held,
           consumed = l.consumed + d.consumed, penalty = l.penalty + d.penalty,
           expired = l.expired + d.expired, forfeited = l.forfeited + d.forfeited,
           revoked = l.revoked + d.revoked, suspended = l.suspended + d.suspended,
           transferred = l.transferred + d.transferred,
           is_open = (l.available + d.available > 0 or l.held + d.held > 0
                      or l.suspended + d.suspended > 0 or l.owed - d.owed > 0)
      from kotally.bucket_moves(p_entries) d
     where l.location_id = p_location_id and l.id = d.lot_id
  ), balances as (
    update kotally.balances b
       set seq = h.seq, available = h.available, held = h.held, suspended = h.suspended,
           owed = h.owed, head = h.head, posted_at = h.posted_at
      from unnest(p_balances) h
     where b.location_id = p_location_id and b.contact_id = h.contact_id
  ), holds as (
    insert into kotally.holds select h.* from unnest(p_holds) h where h.location_id = p_location_id
  )
  insert into kotally.requests select q.* from unnest(p_requests) q where q.location_id = p_location_id;
end;
$$;
