-- Whether something of a contact is due that the worker has not done: a period, a cancellation, a
-- freeze, a booking that closes. One index probe a table. What expires or lapses is not meant:
-- every read counts that by itself (S2.5, S6.5).
create or replace function kotally.is_behind(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns boolean language sql stable as $$
  select exists (
      select from kotally.memberships m
       where m.location_id = p_location_id and m.contact_id = p_contact_id and m.status <> 'ended'
         and (m.renews_at <= p_now or exists (
           select from kotally.membership_changes c
            where c.location_id = p_location_id and c.membership_id = m.id and c.decided_at is null
              and c.status = 'pending' and c.kind = 'cancel' and c.effective_at <= p_now)))
    or exists (
      select from kotally.freezes f
       where f.location_id = p_location_id and f.contact_id = p_contact_id
         and (f.status = 'planned' and f.starts_at <= p_now
              or f.status in ('planned', 'running') and f.resumes_at <= p_now))
    or exists (
      select from kotally.disputes d
       where d.location_id = p_location_id and d.contact_id = p_contact_id and d.releases_at <= p_now)
    or exists (
      select from kotally.bookings b
       where b.location_id = p_location_id and b.contact_id = p_contact_id and b.closes_at <= p_now)
    or exists (
      select from kotally.bookings b
       where b.location_id = p_location_id and b.beneficiary_id = p_contact_id and b.closes_at <= p_now)
$$;
