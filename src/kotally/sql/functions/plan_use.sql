-- The entries that move credits of a hold from one bucket to another, first slice first, passing
-- over those that an earlier step of the same posting has moved. What a refund made a debt moves
-- there, and stays owed.
create or replace function kotally.plan_use(
  p_hold kotally.holds, p_from kotally.bucket, p_to kotally.bucket, p_credits bigint, p_skip bigint
) returns kotally.new_entry[] language sql stable as $$
  select coalesce(array_agg((u.lot_id, p_from, p_to, u.amount)::kotally.new_entry order by s.place, u.place), '{}')
    from (
      select h.*, sum(h.amount) over (order by h.place) - h.amount as before
        from kotally.hold_slices(p_hold, p_from) h) s
   cross join lateral (
     select (least(s.before + s.amount, p_skip + p_credits) - greatest(s.before, p_skip))::bigint as amount) m
   cross join lateral kotally.used_parts(p_hold.location_id, s.lot_id, p_from, m.amount) u
   where m.amount > 0
$$;
