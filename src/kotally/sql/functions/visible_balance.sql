-- What the contact can see as available: credits neither expired nor paused at this time, those of
-- lapsed holds included.
create or replace function kotally.visible_balance(p_location_id text, p_contact_id uuid, p_now timestamptz)
returns bigint language sql stable as $$
  select coalesce(sum(l.available + coalesce(r.amount, 0)), 0)::bigint
    from kotally.lots l
    left join kotally.lapsed_holds(p_location_id, p_contact_id, p_now) r
      on r.lot_id = l.id and l.class <> 'advance'
   where l.location_id = p_location_id and l.contact_id = p_contact_id and l.is_open
     and not kotally.is_expired(l, p_now)
     and not exists (
       select from kotally.blockers b
        where b.location_id = p_location_id and b.contact_id = p_contact_id
          and b.starts_at <= p_now and (b.ends_at is null or b.ends_at > p_now)
          and (b.entitlement_id is null or b.entitlement_id = l.entitlement_id)
          and (b.lot_id is null or b.lot_id = l.id))
$$;
