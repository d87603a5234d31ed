-- The acts of a batch in the order in which they are decided: by contact, then as they came. Of
-- equal requests only the first is here. The first act of a contact that has to be decided brings
-- what its lots hold, so that a batch reads each contact once. What was asked before is looked up
-- for the batch as a whole, by keys: no plan can read more of a table than that. A contact of whom
-- something is due brings plans, so that nothing is decided in memory (S6.5).
create or replace function kotally.intake(
  p_location_id text, p_acts kotally.act[], p_contact_ids uuid[], p_now timestamptz
) returns table (
  ord integer, act kotally.act, contact_id uuid, known boolean, is_first boolean, is_taken boolean,
  seq bigint, lots kotally.lots[], available bigint[], blockers kotally.blockers[], plans kotally.plan[])
language sql stable as $$
  with given as materialized (
    select a.ordinality::integer as ord, p_contact_ids[a.ordinality] as contact_id, a.source,
           a.request_id, a.external_ref,
           row_number() over (partition by a.source, a.request_id order by a.ordinality) as nth
      from unnest(p_acts) with ordinality a
  ), known as materialized (
    select r.source, r.request_id from kotally.requests r
     where r.location_id = p_location_id and r.source = any (array(select g.source from given g))
       and r.request_id = any (array(select g.request_id from given g))
  )
  select i.ord, p_acts[i.ord], i.contact_id, i.known, i.is_first,
         t.hold_id is not null,
         s.seq, s.lots, s.available, s.blockers,
         case when s.plans is null and i.is_first
                   and exists (select from kotally.due_of(p_location_id, i.contact_id, p_now))
              then '{}' else s.plans end
    from (
      select k.*, not k.known
             and 1 = row_number() over (partition by k.contact_id, k.known order by k.ord) as is_first
        from (
          select g.*, exists (
                   select from known r
                    where r.source = g.source and r.request_id = g.request_id) as known
            from given g
           where g.nth = 1 or g.request_id is null) k) i
    -- One by one, by the whole of the key: a member of many years has too many to look through.
    left join lateral (
      select h.id as hold_id from kotally.holds h
       where h.location_id = p_location_id and h.external_ref = i.external_ref
         and h.contact_id = i.contact_id and h.is_live limit 1) t on true
    left join lateral kotally.spending_state(p_location_id, i.contact_id) s on i.is_first
   order by i.contact_id nulls last, i.ord
$$;
