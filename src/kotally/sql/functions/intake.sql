-- The acts of a batch in the order in which they are decided: by contact, then as they came. Of
-- equal requests only the first is here. The first act of a contact brings what its lots hold,
-- so that a batch reads each contact once.
create or replace function kotally.intake(p_location_id text, p_acts kotally.act[])
returns table (
  ord integer, act kotally.act, contact_id uuid, known boolean, is_first boolean, is_taken boolean,
  seq bigint, lots kotally.lots[], available bigint[], blockers kotally.blockers[])
language sql stable as $$
  select i.ord, p_acts[i.ord], c.id,
         exists (
           select from kotally.requests r
            where r.location_id = p_location_id and r.source = i.source and r.request_id = i.request_id),
         i.nth_of_contact = 1,
         i.external_ref is not null and exists (
           select from kotally.holds h
            where h.location_id = p_location_id and h.contact_id = c.id
              and h.external_ref = i.external_ref and h.is_live),
         s.seq, s.lots, s.available, s.blockers
    from (
      select a.ordinality::integer as ord, a.external_contact_id, a.external_ref, a.source, a.request_id,
             row_number() over (partition by a.source, a.request_id order by a.ordinality) as nth,
             row_number() over (partition by a.external_contact_id order by a.ordinality) as nth_of_contact
        from unnest(p_acts) with ordinality a) i
    left join kotally.contacts c
      on c.location_id = p_location_id and c.external_id = i.external_contact_id
    left join lateral kotally.spending_state(p_location_id, c.id) s on i.nth_of_contact = 1
   where i.nth = 1 or i.request_id is null
   order by c.id nulls last, i.ord
$$;
