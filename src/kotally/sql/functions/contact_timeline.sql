-- A page of what happened to a contact, the newest first: postings (with the booking, where one was
-- made), membership periods, other happenings, payments. Every source is read from its own place
-- on; together they are in the order of (at, rank, place, id).
create or replace function kotally.contact_timeline(
  p_location_id text, p_contact_id uuid, p_at timestamptz, p_rank integer, p_place bigint,
  p_id uuid, p_seq bigint, p_limit integer
) returns table (at timestamptz, rank integer, place bigint, id uuid, item json)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
  return query
    select t.at, t.rank, t.place, t.id, t.item
      from (
        (select v.recorded_at as at, 5 as rank, v.seq as place, v.id,
                case when a.item is null
                     then json_build_object('type', 'ledger', 'at', kotally.iso(v.recorded_at), 'entry', v.item)
                     else json_build_object('type', 'booking', 'at', kotally.iso(v.recorded_at),
                                            'entry', v.item, 'appointment', a.item)
                end as item
           from kotally.ledger_items v
           left join kotally.appointment_items a
             on a.location_id = p_location_id and a.id = v.hold_id and v.type in ('deduct', 'hold')
          where v.location_id = p_location_id and v.contact_id = p_contact_id and v.seq < p_seq
          order by v.seq desc limit p_limit)
        union all
        -- What an unlimited plan paid moved no credits.
        (select v.placed_at, 4, 0, v.id,
                json_build_object('type', 'booking', 'at', kotally.iso(v.placed_at), 'appointment', v.item)
           from kotally.appointment_items v
          where v.location_id = p_location_id and v.contact_id = p_contact_id and v.placed_seq is null
            and v.placed_at <= p_at and (v.placed_at, 4, 0, v.id) < (p_at, p_rank, p_place, p_id)
          order by v.placed_at desc, v.id desc limit p_limit)
        union all
        -- What another contact's credits paid for this one (S12.4, S12.5).
        (select v.placed_at, 4, 0, v.id,
                json_build_object('type', 'booking', 'at', kotally.iso(v.placed_at), 'appointment', v.item)
           from kotally.shared_uses u
           join kotally.appointment_items v
             on v.location_id = p_location_id and v.contact_id = u.owner_id and v.id = u.hold_id
          where u.location_id = p_location_id and u.beneficiary_id = p_contact_id
            and u.used_at <= p_at and (v.placed_at, 4, 0, v.id) < (p_at, p_rank, p_place, p_id)
          order by v.placed_at desc, v.id desc limit p_limit)
        union all
        (select v.at, 3, v.number, v.membership_id, v.item from kotally.period_items v
          where v.location_id = p_location_id and v.contact_id = p_contact_id
            and (v.at, 3, v.number, v.membership_id) < (p_at, p_rank, p_place, p_id)
          order by v.at desc, v.number desc, v.membership_id desc limit p_limit)
        union all
        (select v.at, 2, 0, v.id, v.item from kotally.happening_items v
          where v.location_id = p_location_id and v.contact_id = p_contact_id
            and (v.at, 2, 0, v.id) < (p_at, p_rank, p_place, p_id)
          order by v.at desc, v.id desc limit p_limit)
        union all
        (select v.recorded_at, 1, 0, v.id,
                json_build_object('type', 'payment', 'at', kotally.iso(v.recorded_at), 'payment', v.item)
           from kotally.payment_items v
          where v.location_id = p_location_id and v.contact_id = p_contact_id
            and v.recorded_at <= p_at and (v.recorded_at, 1, 0, v.id) < (p_at, p_rank, p_place, p_id)
          order by v.recorded_at desc, v.id desc limit p_limit)) t
     order by t.at desc, t.rank desc, t.place desc, t.id desc limit p_limit;
end;
$$;
