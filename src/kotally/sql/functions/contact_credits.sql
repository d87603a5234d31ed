-- What a contact can spend and from which entitlements; null for an unknown contact.
create or replace function kotally.contact_credits(p_location_id text, p_reference text, p_as_of timestamptz)
returns json language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
  v_contact kotally.contacts := kotally.find_contact(p_location_id, p_reference);
  v_at timestamptz;
  v_ids uuid[];
  v_lots kotally.lots[];
  v_blockers kotally.blockers[];
begin
  if v_contact.id is null then
    return null;
  end if;
  v_at := coalesce(p_as_of, kotally.location_now(p_location_id));
  v_blockers := kotally.blockers_at(p_location_id, v_contact.id, v_at);
  select h.p_entitlement_ids, h.lots into v_ids, v_lots
    from kotally.holdings(p_location_id, v_contact.id, v_at,
                          kotally.last_seq(p_location_id, v_contact.id, p_as_of), null) h;
  return (
    select json_build_object('contact_id', v_contact.id, 'credits', c.item, 'entitlements', e.items)
      from kotally.credits_item(v_lots, v_blockers, v_at) c
     cross join kotally.entitlement_items(p_location_id, v_ids, v_lots, v_blockers, v_at) e);
end;
$$;
