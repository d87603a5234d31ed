-- Why a contact may not buy a product that is limited (B4, B11), or null: it counts what the same
-- person bought under any contact of the location with the same e-mail or telephone, or with the
-- same means of payment, as the grant (`p_args`) names them. A purchase that was refunded in full
-- does not count.
create or replace function kotally.intro_refusal(
  p_location_id text, p_contact_id uuid, p_product_config_id text, p_args jsonb, p_now timestamptz
) returns json language sql stable as $$
  with people as (
    select c.id
      from kotally.contacts m
     cross join lateral (select
       lower(trim(coalesce(m.email, p_args ->> 'email'))) as email,
       nullif(regexp_replace(coalesce(m.phone, p_args ->> 'phone'), '[^0-9]', '', 'g'), '') as phone) n
      join kotally.contacts c
        on c.location_id = p_location_id
       and (c.id = m.id or lower(trim(c.email)) = n.email
            or regexp_replace(c.phone, '[^0-9]', '', 'g') = n.phone)
     where m.location_id = p_location_id and m.id = p_contact_id),
  bought as (
    select p.product_config_id, p.paid_at,
           p.is_undone
             or coalesce(p.refunded_cents >= p.amount_cents and p.amount_cents > 0, false) as is_refunded
      from kotally.payments p
     where p.location_id = p_location_id
       and (p.contact_id in (select n.id from people n)
            or p.payment_fingerprint = p_args ->> 'payment_fingerprint')),
  found as (
    select count(*) filter (where b.product_config_id = p_product_config_id and not b.is_refunded) as times,
           max(b.paid_at) filter (where b.product_config_id = p_product_config_id and not b.is_refunded) as last_at,
           count(*) as purchases
      from bought b)
  select json_build_object(
      'contact_id', p_contact_id, 'rule', r.rule, 'bought', f.times,
      'allowed', (p_args #>> '{intro,max_per_contact}')::integer, 'last_bought_at', kotally.iso(f.last_at),
      'allowed_from', case when r.rule = 'once_per_days' then kotally.iso(
        f.last_at + make_interval(days => (p_args #>> '{intro,once_per_days}')::integer)) end)
    from found f
   cross join lateral (values
     (1, 'max_per_contact', f.times >= (p_args #>> '{intro,max_per_contact}')::integer),
     (2, 'new_members_only',
      coalesce((p_args #>> '{intro,new_members_only}')::boolean, false) and f.purchases > 0),
     (3, 'once_per_days',
      f.last_at + make_interval(days => (p_args #>> '{intro,once_per_days}')::integer) > p_now)
   ) r (rank, rule, holds)
   where r.holds
   order by r.rank limit 1
$$;
