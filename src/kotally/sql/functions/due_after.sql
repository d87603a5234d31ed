-- When each sweep has something due at a location next, after an instant; what is not listed has
-- nothing waiting then. One index probe a table. The names are those of the list in
-- kotally/worker/sweeps.py.
create or replace function kotally.due_after(p_location_id text, p_after timestamptz)
returns table (sweep text, due_at timestamptz) language sql stable as $$
  select d.sweep, d.due_at
    from (
      select 'turn_freezes' as sweep, min(t.at) as due_at
        from kotally.freezes f
       cross join lateral (values
         (case when f.status = 'planned' then f.starts_at end), (f.resumes_at)) t (at)
       where f.location_id = p_location_id and f.status in ('planned', 'running') and t.at > p_after
      union all
      select 'apply_changes', min(c.effective_at) from kotally.membership_changes c
       where c.location_id = p_location_id and c.status = 'pending' and c.kind = 'cancel'
         and c.effective_at > p_after
      union all
      select 'renew_memberships', min(m.renews_at) from kotally.memberships m
       where m.location_id = p_location_id and m.renews_at > p_after
      union all
      select 'release_disputed', min(d.releases_at) from kotally.disputes d
       where d.location_id = p_location_id and d.releases_at > p_after
      union all
      select 'close_bookings', min(b.closes_at) from kotally.bookings b
       where b.location_id = p_location_id and b.closes_at > p_after
      union all
      select 'lapse_holds', min(h.lapses_at) from kotally.holds h
       where h.location_id = p_location_id and h.status = 'held' and h.lapses_at > p_after
      union all
      select 'lapse_approvals', min(a.lapses_at) from kotally.approvals a
       where a.location_id = p_location_id and a.status = 'pending' and a.lapses_at > p_after
      union all
      select 'expire_lots', min(l.expires_at) from kotally.lots l
       where l.location_id = p_location_id and l.is_open and l.expires_at > p_after
         and l.available > 0 and l.projected_expires_at is null) d
   where d.due_at is not null
$$;
