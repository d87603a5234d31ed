-- Contacts at one glance, many by one statement: credits, entitlements, payments in figures, and the
-- latest of each list; null for an unknown contact. `is_behind` says that something is due of a
-- contact that the worker has not done, so the caller does that first. One round trip, because
-- this is what screens ask for.
create or replace function kotally.contact_summaries(
  p_location_id text, p_references text[], p_as_of timestamptz
) returns table (ord integer, is_behind boolean, answer json) language plpgsql stable
set plan_cache_mode = force_generic_plan as $$
declare
  v_now timestamptz := kotally.location_now(p_location_id);
  v_at timestamptz := coalesce(p_as_of, v_now);
begin
  return query
  select c.ord, exists (select from kotally.due_of(p_location_id, c.id, v_now)),
         case when c.id is not null then
           json_build_object('contact', kotally.contact_item(c.contact), 'summary', row_to_json(s))
         end
    from (
      select r.ordinality::integer as ord, k.id, k as contact, w.seq as last_seq,
             kotally.blockers_at(p_location_id, k.id, v_at) as blockers
        from unnest(p_references) with ordinality r (reference)
       cross join lateral kotally.find_contact(p_location_id, r.reference) k
       cross join lateral (select kotally.last_seq(p_location_id, k.id, p_as_of) as seq) w
       -- Fenced off, so that each is asked once for a contact.
      offset 0) c
   cross join lateral kotally.holdings(p_location_id, c.id, v_at, c.last_seq, null) h
   cross join lateral (
     select t.item -> 'available' as credits_available,
            kotally.iso(p.last_at) as last_paid_at, p.cents as lifetime_value_cents,
            p.events as payment_events_count,
            e.items as entitlements,
            array_to_json(array(
              select v.item from kotally.ledger_items v
               where v.location_id = p_location_id and v.contact_id = c.id
                 and v.seq <= coalesce(c.last_seq, 9223372036854775807)
               order by v.seq desc limit 5)) as recent_ledger,
            array_to_json(array(
              select a.item
                from (
                  (select v.at, v.id, v.item from kotally.appointment_items v
                    where v.location_id = p_location_id and v.contact_id = c.id
                      and v.placed_at <= v_at and v.status <> 'replaced'
                    order by v.at desc, v.id desc limit 5)
                  union all
                  (select v.at, v.id, v.item from kotally.shared_uses u
                     join kotally.appointment_items v
                       on v.location_id = p_location_id and v.contact_id = u.owner_id and v.id = u.hold_id
                    where u.location_id = p_location_id and u.beneficiary_id = c.id
                      and v.placed_at <= v_at and v.status <> 'replaced'
                    order by v.at desc, v.id desc limit 5)
                  union all
                  (select v.at, v.id, v.item from kotally.booking_items v
                    where v.location_id = p_location_id and v.beneficiary_id = c.id
                      and v.placed_at <= v_at
                    order by v.at desc, v.id desc limit 5)
                  union all
                  (select v.at, v.id, v.item from kotally.booking_items v
                    where v.location_id = p_location_id and v.contact_id = c.id
                      and v.placed_at <= v_at
                    order by v.at desc, v.id desc limit 5)) a
               order by a.at desc, a.id desc limit 5)) as recent_appointments,
            array_to_json(array(
              select v.item from kotally.payment_items v
               where v.location_id = p_location_id and v.contact_id = c.id
                 and v.recorded_at <= v_at
               order by v.recorded_at desc, v.id desc limit 5)) as recent_payments
       from (
         select max(p.paid_at) as last_at, count(*) as events,
                coalesce(sum(p.amount_cents - p.refunded_cents), 0) as cents
           from kotally.payments p
          where p.location_id = p_location_id and p.contact_id = c.id
            and p.recorded_at <= v_at) p
      cross join kotally.credits_item(h.lots, c.blockers, v_at) t
      cross join kotally.entitlement_items(
        p_location_id, h.p_entitlement_ids, h.lots, c.blockers, v_at) e) s;
end;
$$;
