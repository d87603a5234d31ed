-- What is due of a contact that the worker has not done: a period, a cancellation, a freeze, what a
-- dispute left without funds, a booking that closes; and since when. One index probe a table. What
-- expires or lapses is not meant: every read counts that by itself (S2.5, S6.5). The names are those
-- of kotally.due_after. Where it is asked for many contacts it stands in the statement itself, as
-- `exists (select from …)`: the planner takes it apart, and a contact costs 3 µs instead of 15.
create or replace function kotally.due_of(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns table (sweep text, due_at timestamptz) language sql stable as $$
  select 'renew_memberships', m.renews_at
    from kotally.memberships m
   where m.location_id = p_location_id and m.contact_id = p_contact_id and m.status <> 'ended'
     and m.renews_at <= p_now
  union all
  select 'apply_changes', c.effective_at
    from kotally.memberships m
    join kotally.membership_changes c on c.location_id = p_location_id and c.membership_id = m.id
   where m.location_id = p_location_id and m.contact_id = p_contact_id and m.status <> 'ended'
     and c.decided_at is null and c.status = 'pending' and c.kind = 'cancel' and c.effective_at <= p_now
  union all
  select 'turn_freezes', least(case when f.status = 'planned' then f.starts_at end, f.resumes_at)
    from kotally.freezes f
   where f.location_id = p_location_id and f.contact_id = p_contact_id
     and (f.status = 'planned' and f.starts_at <= p_now
          or f.status in ('planned', 'running') and f.resumes_at <= p_now)
  union all
  select 'release_disputed', d.releases_at
    from kotally.disputes d
   where d.location_id = p_location_id and d.contact_id = p_contact_id and d.releases_at <= p_now
  union all
  select 'close_bookings', b.closes_at
    from kotally.bookings b
   where b.location_id = p_location_id and b.contact_id = p_contact_id and b.closes_at <= p_now
  union all
  select 'close_bookings', b.closes_at
    from kotally.bookings b
   where b.location_id = p_location_id and b.beneficiary_id = p_contact_id and b.closes_at <= p_now
$$;
