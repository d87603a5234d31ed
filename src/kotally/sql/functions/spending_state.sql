-- What a deduction has to know of a contact: the lots with something to spend in burn order
-- (S1.3), what each has left, the blockers, and the number of the last posting. With p_now, holds
-- that have lapsed by then count as released; a batch has released them before it asks.
create or replace function kotally.spending_state(
  p_location_id text, p_contact_id uuid, p_now timestamptz default null)
returns table (
  seq bigint, lots kotally.lots[], available bigint[], blockers kotally.blockers[], plans kotally.plan[])
language sql stable as $$
  select b.seq, s.lots, s.available,
         (select array_agg(k) from kotally.blockers k
           where k.location_id = p_location_id and k.contact_id = p_contact_id),
         case when exists (
           select from kotally.entitlements e
            where e.location_id = p_location_id and e.contact_id = p_contact_id and e.is_ruled)
         then kotally.plans_of(p_location_id, p_contact_id) end
    from kotally.balances b
   cross join lateral (
     select array_agg(o.lot) as lots, array_agg(o.available) as available
       from (
         select l as lot, l.available + coalesce(r.amount, 0) as available
           from kotally.lots l
           left join kotally.lapsed_holds(p_location_id, p_contact_id, p_now) r
             on r.lot_id = l.id and l.class <> 'advance'
          where l.location_id = p_location_id and l.contact_id = p_contact_id
            and l.is_open and (l.available > 0 or r.amount > 0)
          order by l.priority, l.expires_at nulls last, l.coverage_width, l.unit_cost,
                   l.effective_at, l.id) o) s
   where b.location_id = p_location_id and b.contact_id = p_contact_id
$$;
