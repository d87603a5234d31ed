-- The state of one contact, for acts that do not come through kotally.intake.
create or replace function kotally.spending_of(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns kotally.spending language sql stable as $$
  select (s.lots, s.available, s.blockers, s.seq, null, null, null, null, s.plans)::kotally.spending
    from kotally.spending_state(p_location_id, p_contact_id, p_now) s
$$;
