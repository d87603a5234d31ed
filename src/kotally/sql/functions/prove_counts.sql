-- How much of a location a proof has looked at.
create or replace function kotally.prove_counts(p_location_id text)
returns table (
  locations bigint, contacts bigint, lots bigint, postings bigint, entries bigint, holds bigint,
  requests bigint, payments bigint, seals bigint)
language sql stable as $$
  select (select count(*) from kotally.locations l where l.id = p_location_id),
         (select count(*) from kotally.contacts c where c.location_id = p_location_id),
         (select count(*) from kotally.lots o where o.location_id = p_location_id),
         (select count(*) from kotally.postings p where p.location_id = p_location_id),
         (select count(*) from kotally.entries e where e.location_id = p_location_id),
         (select count(*) from kotally.holds h where h.location_id = p_location_id),
         (select count(*) from kotally.requests r where r.location_id = p_location_id),
         (select count(*) from kotally.payments y where y.location_id = p_location_id),
         (select count(*) from kotally.seals s where s.location_id = p_location_id)
$$;
