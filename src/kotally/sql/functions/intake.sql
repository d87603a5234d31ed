-- The acts of a batch in the order in which they are decided: by contact, then as they came. Of
-- equal requests only the first is here. The first act of a contact that has to be decided brings
-- what its lots hold, so that a batch reads each contact once.
create or replace function kotally.intake(p_location_id text, p_acts kotally.act[])
returns table (
  ord integer, act kotally.act, contact_id uuid, known boolean, is_first boolean, is_taken boolean,
  seq bigint, lots kotally.lots[], available bigint[], blockers kotally.blockers[],
  plans kotally.plan[])
language sql stable as $$
  select i.ord, p_acts[i.ord], c.id, i.known, i.is_first,
         i.external_ref is not null and exists (
           select from kotally.holds h
            where h.location_id = p_location_id and h.contact_id = c.id
              and h.external_ref = i.external_ref and h.is_live),
         s.seq, s.lots, s.available, s.blockers, s.plans
    from (
      select k.*, not k.known and 1 = row_number() over (
               partition by k.external_contact_id, k.known order by k.ord) as is_first
        from (
          select a.ordinality::integer as ord, a.external_contact_id, a.external_ref, a.request_id,
                 exists (
                   select from kotally.requests r
                    where r.location_id = p_location_id and r.source = a.source
                      and r.request_id = a.request_id) as known,
                 row_number() over (partition by a.source, a.request_id order by a.ordinality) as nth
            from unnest(p_acts) with ordinality a) k
       where k.nth = 1 or k.request_id is null) i
    left join kotally.contacts c
      on c.location_id = p_location_id and c.external_id = i.external_contact_id
    left join lateral kotally.spending_state(p_location_id, c.id) s on i.is_first
   order by c.id nulls last, i.ord
$$;
