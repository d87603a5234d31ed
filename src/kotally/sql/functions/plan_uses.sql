-- The local dates of the bookings that a plan's caps count: by class date, while held, used up or
-- forfeited (S3.4), and what waits for a future period or is used up at attendance only (S2.8).
-- Only those of one person: the beneficiary's, or without one the contact's own (S12.4).
create or replace function kotally.plan_uses(
  p_location_id text, p_contact_id uuid, p_entitlement_id uuid, p_beneficiary_id uuid, p_timezone text,
  p_now timestamptz)
returns table (on_date date, calendar_id text) language sql stable as $$
  select (coalesce(h.appointment_at, h.placed_at) at time zone p_timezone)::date, h.calendar_id
    from kotally.holds h
   where h.location_id = p_location_id and h.entitlement_id = p_entitlement_id and h.is_live
     and h.contact_id = p_contact_id
     and not (h.status = 'held' and h.lapses_at is not null and h.lapses_at <= p_now)
     and p_beneficiary_id is not distinct from (
       select u.beneficiary_id from kotally.shared_uses u
        where u.location_id = p_location_id and u.hold_id = h.id)
  union all
  select (b.starts_at at time zone p_timezone)::date, b.calendar_id
    from kotally.bookings b
   where b.location_id = p_location_id and b.contact_id = p_contact_id
     and b.entitlement_id = p_entitlement_id and b.hold_id is null
     and b.status in ('provisional', 'booked')
     and b.beneficiary_id is not distinct from p_beneficiary_id
$$;
