-- Start the validity of lots that wait for a first class, by the class of this hold: the first
-- booked or the first attended one, as the lot's rule says; or take the start back when nothing of
-- the lot is in use any more (S6.4). The caller holds the contact's lock and has moved the credits.
create or replace function kotally.start_lots(p_location_id text, p_hold_id uuid, p_now timestamptz)
returns void language plpgsql as $$
declare
  v record;
  v_on date;
  v_to timestamptz;
begin
  for v in
    select l.id, l.contact_id, l.entitlement_id, l.rules -> 'starts' as rule, t.timezone, p.source, p.actor,
           p.correlation_id, coalesce(h.appointment_at, h.placed_at) as class_at,
           case when l.rules #>> '{starts,on}' = 'first_attended' then l.consumed
                else l.held + l.consumed + l.penalty end > 0 as is_used
      from kotally.holds h
      join kotally.locations t on t.id = p_location_id
      join kotally.postings p
        on p.location_id = p_location_id and p.contact_id = h.contact_id and p.seq = h.placed_seq
     cross join lateral (
       select distinct e.lot_id from kotally.entries e
        where e.location_id = p_location_id and e.contact_id = h.contact_id and e.seq = h.placed_seq) e
      join kotally.lots l on l.location_id = p_location_id and l.id = e.lot_id
     where h.location_id = p_location_id and h.id = p_hold_id
       and l.rules ? 'starts' and l.class <> 'restored'
  loop
    continue when v.is_used = (v.rule ? 'started_on');
    v_on := (v.class_at at time zone v.timezone)::date;
    v_to := (v.rule ->> 'by')::timestamptz;
    if v.is_used then
      v_to := kotally.started_expiry(v.rule, v_on, v.timezone);
      -- What staff has extended it to stays, unless it is good for longer.
      v_to := case when v_to is not null
        then greatest(v_to, (v.rule ->> 'extended_to')::timestamptz) end;
    end if;
    perform kotally.change_expiry(
      p_location_id, v.id, v_to, case when v.is_used then 'booking' else 'released' end, p_hold_id,
      v.source, v.actor, v.correlation_id, p_now);
    update kotally.lots l
       set rules = jsonb_set(l.rules, '{starts}', case when v.is_used
             then v.rule || jsonb_build_object('started_on', v_on) else v.rule - 'started_on' end)
     where l.location_id = p_location_id and l.id = v.id;
    update kotally.entitlements e set ends_at = v_to
     where e.location_id = p_location_id and e.id = v.entitlement_id and e.type = 'package';
    perform kotally.project_lots(p_location_id, v.contact_id);
  end loop;
end;
$$;
