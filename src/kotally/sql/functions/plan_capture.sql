-- The entries that use up credits of an open hold, first slice first.
create or replace function kotally.plan_capture(p_hold kotally.holds, p_credits bigint)
returns kotally.new_entry[] language sql stable as $$
  select coalesce(array_agg(
           (s.lot_id, 'held', 'consumed', least(s.amount, p_credits - s.before))::kotally.new_entry
           order by s.place), '{}')
    from (
      select h.*, sum(h.amount) over (order by h.place) - h.amount as before
        from kotally.hold_slices(p_hold, 'held') h) s
   where s.before < p_credits
$$;
