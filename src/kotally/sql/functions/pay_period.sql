-- Let a payment be the one of a period that was confirmed without any: its lots, those of its
-- instalments and what the member carried over from them are that payment's from now on, so that a
-- refund finds them. Answers the credits. The caller holds the contact's lock.
create or replace function kotally.pay_period(
  p_location_id text, p_membership_id uuid, p_number integer, p_payment_id uuid, p_cost bigint,
  p_currency text
) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_granted bigint;
begin
  update kotally.periods p set payment_id = p_payment_id
   where p.location_id = p_location_id and p.membership_id = p_membership_id and p.number = p_number;
  with recursive roots as (
    select p.lot_id from kotally.periods p
     where p.location_id = p_location_id and p.membership_id = p_membership_id and p.number = p_number
     union
    select i.lot_id from kotally.instalments i
     where i.location_id = p_location_id and i.membership_id = p_membership_id
       and i.period_number = p_number),
  family as (
    select l.id, true as is_root from kotally.lots l
     where l.location_id = p_location_id and l.id in (select r.lot_id from roots r)
     union all
    select l.id, false from family f
      join kotally.lots l
        on l.location_id = p_location_id and l.parent_lot_id = f.id
       and l.entitlement_id = p_membership_id),
  paid as (
    update kotally.lots l
       set payment_id = p_payment_id, currency = coalesce(p_currency, l.currency),
           cost_minor = case when f.is_root then p_cost else l.cost_minor end,
           unit_cost = case when f.is_root then p_cost * 1000000 / greatest(l.issued, 1)
                            else l.unit_cost end
      from family f
     where l.location_id = p_location_id and l.id = f.id and l.payment_id is null
    returning f.is_root, l.issued)
  select coalesce(sum(p.issued) filter (where p.is_root), 0) into v_granted from paid p;
  return v_granted;
end;
$$;
