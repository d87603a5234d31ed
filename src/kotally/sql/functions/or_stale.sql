-- The refusal of an act, or STALE when the contact has something due that could change it: the
-- caller does that first and asks again. `as_it_stands` in the act's arguments asks for the refusal.
create or replace function kotally.or_stale(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_out kotally.outcome, p_now timestamptz
) returns kotally.outcome language sql stable as $$
  select case
    when p_act.operation in ('deduct', 'hold', 'check', 'capture')
         and p_out.code in ('NO_ENTITLEMENT', 'INSUFFICIENT_CREDITS', 'SERVICE_FAMILY_MISMATCH', 'CAP_REACHED')
         and not coalesce(p_act.args::jsonb ? 'as_it_stands', false)
         and kotally.is_behind(p_location_id, p_contact_id, p_now)
      then (p_out.ord, 'STALE', false, p_act.correlation_id, '{}')::kotally.outcome
    else p_out
  end
$$;
