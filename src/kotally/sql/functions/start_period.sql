-- Move a membership to its planned period; a period is granted once, whoever reports it (S9.1).
create or replace function kotally.start_period(
  p_location_id text, p_contact_id uuid, p_membership_id uuid, p_act kotally.act, p_now timestamptz
) returns void language plpgsql as $$
declare
  v_plan jsonb := p_act.args::jsonb -> 'membership';
begin
  insert into kotally.memberships (
    location_id, id, contact_id, product_config_id, status, anchor_on, period_number,
    period_starts_at, period_ends_at)
  values (
    p_location_id, p_membership_id, p_contact_id, p_act.product_config_id, 'active',
    (v_plan ->> 'anchor_on')::date, (v_plan ->> 'number')::integer,
    (v_plan ->> 'starts_at')::timestamptz, (v_plan ->> 'ends_at')::timestamptz)
  on conflict (location_id, id) do update
     set status = 'active', period_number = excluded.period_number,
         period_starts_at = excluded.period_starts_at, period_ends_at = excluded.period_ends_at;
  insert into kotally.periods (
    location_id, membership_id, number, starts_at, ends_at, payment_id, lot_id, granted_at)
  values (
    p_location_id, p_membership_id, (v_plan ->> 'number')::integer,
    (v_plan ->> 'starts_at')::timestamptz, (v_plan ->> 'ends_at')::timestamptz,
    (p_act.args::jsonb ->> 'payment_id')::uuid, (p_act.args::jsonb -> 'lot' ->> 'id')::uuid, p_now);
end;
$$;
