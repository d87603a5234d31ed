-- What each lot still has in one bucket for a hold, by the entries of all postings about it, in
-- the order in which the slices were taken (S1.4): by the first entry that touched the lot. A debt
-- stands for used credits of the lot it came from (S10.4), so what moves in it moved there.
create or replace function kotally.hold_slices(p_hold kotally.holds, p_bucket kotally.bucket)
returns table (place bigint, lot_id uuid, amount bigint) language sql stable as $$
  select row_number() over (order by min(array[e.seq, e.line])), coalesce(d.parent_lot_id, e.lot_id),
         sum(case when e.to_bucket = p_bucket then e.amount
                  when e.from_bucket = p_bucket then -e.amount else 0 end)::bigint
    from (
      select p_hold.placed_seq as seq
      union all
      select p.seq from kotally.postings p
       where p.location_id = p_hold.location_id and p.contact_id = p_hold.contact_id
         and p.refers_to = p_hold.placed_seq) a
   cross join lateral (
     select * from kotally.entries e
      where e.location_id = p_hold.location_id and e.contact_id = p_hold.contact_id
        and e.seq = a.seq
      -- Keeps the planner from reading all entries of a contact, of which there may be many.
     offset 0) e
    left join kotally.lots d
      on d.location_id = p_hold.location_id and d.id = e.lot_id and d.class = 'advance'
   group by 2
  having sum(case when e.to_bucket = p_bucket then e.amount
                  when e.from_bucket = p_bucket then -e.amount else 0 end) > 0
   order by 1
$$;
