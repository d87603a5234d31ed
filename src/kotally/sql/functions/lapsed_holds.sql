-- What comes back to each lot from the contact's holds whose time is over but whose release is not
-- posted yet: every read counts it as available (S2.5); what was owed in advance is no longer owed.
create or replace function kotally.lapsed_holds(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns table (lot_id uuid, amount bigint) language sql stable as $$
  select s.lot_id, sum(s.amount)::bigint
    from kotally.holds h
   cross join lateral kotally.hold_slices(h, 'held') s
   where h.location_id = p_location_id and h.status = 'held' and h.lapses_at <= p_now
     and h.contact_id = p_contact_id
   group by s.lot_id
$$;
