-- Begin a new membership with the first period that was planned for it. A running membership's
-- next period is confirmed by kotally.memberships.renewals, which also rolls over what is left.
create or replace function kotally.start_period(
  p_location_id text, p_contact_id uuid, p_membership_id uuid, p_act kotally.act, p_now timestamptz
) returns void language plpgsql as $$
declare
  v_plan jsonb := p_act.args::jsonb -> 'membership';
  v_number integer := (p_act.args::jsonb -> 'membership' ->> 'number')::integer;
begin
  insert into kotally.memberships (
    location_id, id, contact_id, product_config_id, status, anchor_on, period_number,
    period_starts_at, period_ends_at, renews_at, minimum_until, expected_next_charge_at,
    paid_number, renews_itself)
  values (
    p_location_id, p_membership_id, p_contact_id, p_act.product_config_id, 'active',
    (v_plan ->> 'anchor_on')::date, v_number,
    (v_plan ->> 'starts_at')::timestamptz, (v_plan ->> 'ends_at')::timestamptz,
    coalesce(v_plan ->> 'renews_at', v_plan ->> 'ends_at')::timestamptz,
    (v_plan ->> 'minimum_until')::timestamptz, (v_plan ->> 'expected_next_charge_at')::timestamptz,
    v_number, coalesce((v_plan ->> 'renews_itself')::boolean, false));
  insert into kotally.periods (
    location_id, membership_id, number, starts_at, ends_at, payment_id, lot_id, granted_at)
  values (
    p_location_id, p_membership_id, v_number,
    (v_plan ->> 'starts_at')::timestamptz, (v_plan ->> 'ends_at')::timestamptz,
    (p_act.args::jsonb ->> 'payment_id')::uuid, (p_act.args::jsonb -> 'lot' ->> 'id')::uuid, p_now);
end;
$$;
