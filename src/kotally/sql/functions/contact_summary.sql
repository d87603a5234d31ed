-- A contact at one glance: credits, entitlements, payments in figures, and the latest of each
-- list; null for an unknown contact. One round trip, because this is what screens ask for.
create or replace function kotally.contact_summary(p_location_id text, p_reference text, p_as_of timestamptz)
returns json language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_contact kotally.contacts := kotally.find_contact(p_location_id, p_reference);
  v_at timestamptz;
  v_last_seq bigint;
  v_ids uuid[];
  v_lots kotally.lots[];
  v_blockers kotally.blockers[];
begin
  if v_contact.id is null then
    return null;
  end if;
  v_at := coalesce(p_as_of, kotally.location_now(p_location_id));
  v_last_seq := kotally.last_seq(p_location_id, v_contact.id, p_as_of);
  v_blockers := kotally.blockers_at(p_location_id, v_contact.id, v_at);
  select h.p_entitlement_ids, h.lots into v_ids, v_lots
    from kotally.holdings(p_location_id, v_contact.id, v_at, v_last_seq, null) h;
  return (
    select json_build_object('contact', kotally.contact_item(v_contact), 'summary', row_to_json(s))
      from (
        select kotally.credits_item(v_lots, v_blockers, v_at) -> 'available' as credits_available,
               kotally.iso(p.last_at) as last_paid_at, p.cents as lifetime_value_cents,
               p.events as payment_events_count,
               kotally.entitlement_items(p_location_id, v_ids, v_lots, v_blockers, v_at) as entitlements,
               array_to_json(array(
                 select v.item from kotally.ledger_items v
                  where v.location_id = p_location_id and v.contact_id = v_contact.id
                    and v.seq <= coalesce(v_last_seq, 9223372036854775807)
                  order by v.seq desc limit 5)) as recent_ledger,
               array_to_json(array(
                 select a.item
                   from (
                     (select v.at, v.id, v.item from kotally.appointment_items v
                       where v.location_id = p_location_id and v.contact_id = v_contact.id
                         and v.placed_at <= v_at
                       order by v.at desc, v.id desc limit 5)
                     union all
                     (select v.at, v.id, v.item from kotally.booking_items v
                       where v.location_id = p_location_id and v.contact_id = v_contact.id
                         and v.placed_at <= v_at
                       order by v.at desc, v.id desc limit 5)) a
                  order by a.at desc, a.id desc limit 5)) as recent_appointments,
               array_to_json(array(
                 select v.item from kotally.payment_items v
                  where v.location_id = p_location_id and v.contact_id = v_contact.id
                    and v.recorded_at <= v_at
                  order by v.recorded_at desc, v.id desc limit 5)) as recent_payments
          from (
            select max(p.paid_at) as last_at, count(*) as events,
                   coalesce(sum(p.amount_cents - p.refunded_cents), 0) as cents
              from kotally.payments p
             where p.location_id = p_location_id and p.contact_id = v_contact.id
               and p.recorded_at <= v_at) p) s);
end;
$$;
