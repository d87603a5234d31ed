-- Close the fee that a payment is for: the one it names, if it is enough for it, else the oldest of
-- just that amount (S5.6). Answers the fee, or null. The caller holds the contact's lock.
create or replace function kotally.pay_fee(
  p_location_id text, p_contact_id uuid, p_cents bigint, p_fee_id text, p_source text, p_actor text,
  p_correlation_id uuid, p_now timestamptz
) returns uuid language sql volatile as $$
  with paid as (
    update kotally.fees f
       set status = 'paid', settled_at = p_now, settled_by = p_actor
     where f.location_id = p_location_id and f.status = 'due' and f.id = (
       select d.id from kotally.fees d
        where d.location_id = p_location_id and d.contact_id = p_contact_id and d.status = 'due'
          and case when p_fee_id is null then d.amount_cents = p_cents
                   else d.id::text = lower(p_fee_id) and d.amount_cents <= p_cents end
        order by d.id limit 1)
    returning f.id, f.amount_cents
  ), told as (
    insert into kotally.happenings (
      location_id, id, contact_id, type, at, details, source, actor, correlation_id, recorded_at)
    select p_location_id, kotally.new_id(), p_contact_id, 'fee_paid', p_now,
           json_build_object('fee_id', p.id, 'amount_cents', p.amount_cents),
           p_source, p_actor, p_correlation_id, p_now
      from paid p
  )
  select p.id from paid p
$$;
