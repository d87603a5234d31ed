-- What a deduction has to know of a contact: the lots with something to spend in burn order
-- (S1.3), what each has left, the blockers, and the number of the last posting.
create or replace function kotally.spending_state(p_location_id text, p_contact_id uuid)
returns table (seq bigint, lots kotally.lots[], available bigint[], blockers kotally.blockers[])
language sql stable as $$
  select b.seq, s.lots, s.available,
         (select array_agg(k) from kotally.blockers k
           where k.location_id = p_location_id and k.contact_id = p_contact_id)
    from kotally.balances b
   cross join lateral (
     select array_agg(o.lot) as lots, array_agg((o.lot).available) as available
       from (
         select l as lot from kotally.lots l
          where l.location_id = p_location_id and l.contact_id = p_contact_id
            and l.is_open and l.available > 0
          order by l.priority, l.expires_at nulls last, l.coverage_width, l.unit_cost,
                   l.effective_at, l.id) o) s
   where b.location_id = p_location_id and b.contact_id = p_contact_id
$$;
