-- A lot before anything is issued into it: every bucket empty, every rule at its default.
create or replace function kotally.empty_lot(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns kotally.lots language sql stable as $$
  select jsonb_populate_record(null::kotally.lots, jsonb_build_object(
    'location_id', p_location_id, 'contact_id', p_contact_id, 'issued_at', p_now,
    'class', 'paid', 'priority', 100, 'effective_at', p_now, 'coverage_width', 2147483647,
    'cost_minor', 0, 'unit_cost', 0, 'restore_grace_days', 7, 'roll_count', 0, 'rules', '{}'::jsonb,
    'issued', 0, 'owed', 0, 'available', 0, 'held', 0, 'consumed', 0, 'penalty', 0, 'expired', 0,
    'forfeited', 0, 'revoked', 0, 'suspended', 0, 'transferred', 0, 'is_open', false))
$$;
