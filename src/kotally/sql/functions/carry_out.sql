-- Carry out an act that is not decided in memory, or refuse it.
create or replace function kotally.carry_out(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_is_suspended boolean, p_now timestamptz
) returns kotally.outcome language plpgsql as $$
begin
  case
    -- A restore still works: members are not punished for the studio's bill.
    when p_act.operation in ('grant', 'deduct', 'hold', 'capture') and p_is_suspended then
      return (0, 'BILLING_SUSPENDED', false, p_act.correlation_id, '{}')::kotally.outcome;
    -- What is due of the contact comes first, whether it would be refused or not (S6.5).
    when p_act.operation <> 'check' and not coalesce(p_act.args::jsonb ? 'as_it_stands', false)
         and kotally.is_behind(p_location_id, coalesce(p_contact_id, (
           select h.contact_id from kotally.holds h
            where h.location_id = p_location_id and h.id = p_act.hold_id)), p_now) then
      return (0, 'STALE', false, p_act.correlation_id, '{}')::kotally.outcome;
    when p_act.operation = 'grant' then
      return kotally.grant_credits(p_location_id, p_act, p_contact_id, p_now);
    when p_act.operation = 'check' then
      return kotally.check_eligibility(
        p_location_id, p_act, p_contact_id,
        kotally.spending_of(p_location_id, p_contact_id, p_now), p_now);
    when p_contact_id is null and p_act.hold_id is null then
      return (0, 'NO_ENTITLEMENT', false, p_act.correlation_id, json_build_object('balance_after', 0))::kotally.outcome;
    when p_act.operation = 'restore' then
      return kotally.restore(p_location_id, p_act, p_contact_id, p_now);
    when p_act.operation in ('capture', 'release') then
      return kotally.settle_hold(p_location_id, p_act, p_contact_id, p_now);
    else
      return kotally.take_now(p_location_id, p_act, p_contact_id, p_now);
  end case;
end;
$$;
