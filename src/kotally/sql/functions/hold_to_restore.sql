-- Which deduction a restore means (S4.3): the newest of that booking, else the newest of that
-- contact and product or calendar with at least that much left to give back.
create or replace function kotally.hold_to_restore(p_location_id text, p_act kotally.act, p_contact_id uuid)
returns kotally.holds language plpgsql stable as $$
declare
  v_hold kotally.holds;
begin
  if p_act.external_ref is not null then
    select * into v_hold from kotally.holds h
     where h.location_id = p_location_id and h.contact_id = p_contact_id
       and h.external_ref = p_act.external_ref and h.is_live;
    if not found then
      select * into v_hold from kotally.holds h
       where h.location_id = p_location_id and h.contact_id = p_contact_id
         and h.external_ref = p_act.external_ref
       order by h.id desc limit 1;
    end if;
    return v_hold;
  end if;
  select * into v_hold from kotally.holds h
   where h.location_id = p_location_id and h.contact_id = p_contact_id and h.is_live
     and h.units * (h.captured - h.returned) >= p_act.amount * h.amount
     and (p_act.product_config_id is null or exists (
       select from kotally.entries e
         join kotally.lots l on l.location_id = p_location_id and l.id = e.lot_id
        where e.location_id = p_location_id and e.contact_id = p_contact_id
          and e.seq = h.placed_seq and l.product_config_id = p_act.product_config_id))
     and (p_act.calendar_id is null or h.calendar_id is null or h.calendar_id = p_act.calendar_id)
   order by h.id desc limit 1;
  return v_hold;
end;
$$;
