-- Postings that came through the API without a request that was answered with success, and
-- requests that were told of a movement which is not there.
create or replace function kotally.prove_requests(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set work_mem = '64MB' as $$
  select p.contact_id, null::uuid, p.seq, 'posting_request', p.request_id, 'a request that succeeded', r.code
    from kotally.postings p
    left join kotally.requests r
      on r.location_id = p_location_id and r.source = p.source and r.request_id = p.request_id
   where p.location_id = p_location_id and p.source = 'api'
     and (r.code is null or r.code = upper(r.code))
  union all
  select r.contact_id, null::uuid, null::bigint, 'request_posting', r.request_id, r.code, null
    from kotally.requests r
    left join kotally.postings p
      on p.location_id = p_location_id and p.source = r.source and p.request_id = r.request_id and p.part = 0
   where r.location_id = p_location_id and p.seq is null
     -- A grant of no credits or a class of an unlimited plan is done, and moves nothing.
     and r.code in ('grant_applied', 'deducted', 'held', 'captured', 'released', 'restored')
     and exists (
       select from (values
         ('credits_granted'), ('credits'), ('credits_captured'), ('credits_released'),
         ('credits_restored')) k (name)
        where (r.answer ->> k.name)::bigint > 0)
   order by 1, 3, 5
   limit p_limit
$$;
