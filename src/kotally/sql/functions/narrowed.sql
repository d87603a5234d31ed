-- What of a contact's state an act may use, as its args say: for `beneficiary_id`, who comes
-- instead, only what the contact lends (S12.4, S12.5); of `lots`, which staff named, only those and
-- in that order (S1.6). The rest still counts for the balance, but begins at no time. Caps count
-- what the beneficiary has booked, one's penalty keeps nobody else from booking, and neither way
-- makes the contact owe.
create or replace function kotally.narrowed(
  p_location_id text, p_contact_id uuid, p_state kotally.spending, p_args text
) returns kotally.spending language plpgsql stable as $$
declare
  v_args jsonb := p_args::jsonb;
  v_named uuid[];
  v_state kotally.spending := p_state;
  v_lot kotally.lots;
  v_plan kotally.plan;
  v_place integer;
begin
  if v_args is null or not v_args ?| array['beneficiary_id', 'lots'] then
    return p_state;
  end if;
  if v_args ? 'lots' then
    v_named := array(select n::uuid from jsonb_array_elements_text(v_args -> 'lots') n);
  end if;
  v_state.lots := '{}'; v_state.available := '{}'; v_state.plans := null;
  for v_place in
    select i from generate_subscripts(p_state.lots, 1) i
     order by array_position(v_named, (p_state.lots[i]).id), i
  loop
    v_lot := p_state.lots[v_place];
    if v_lot.id <> all (v_named) or v_args ? 'beneficiary_id' and not kotally.lends(
      p_location_id, p_contact_id, v_args, v_lot.entitlement_id, v_lot.product_config_id,
      v_lot.product_version) then
      v_lot.effective_at := 'infinity';
    end if;
    v_state.lots := v_state.lots || v_lot;
    v_state.available := v_state.available || p_state.available[v_place];
  end loop;
  foreach v_plan in array coalesce(p_state.plans, '{}') loop
    continue when v_args ? 'beneficiary_id' and not (
      select kotally.lends(p_location_id, p_contact_id, v_args, e.id, e.product_config_id, e.product_version)
        from kotally.entitlements e
       where e.location_id = p_location_id and e.id = v_plan.entitlement_id);
    v_plan.beneficiary_id := (v_args ->> 'beneficiary_id')::uuid;
    v_plan.can_owe := false;
    -- Lots that were named pay even where an unlimited plan would.
    v_plan.is_unlimited := v_plan.is_unlimited and v_named is null;
    v_state.plans := v_state.plans || v_plan;
  end loop;
  if v_args ? 'beneficiary_id' then
    select array_agg(b) into v_state.blockers from unnest(p_state.blockers) b
     where b.kind <> 'penalty' or b.entitlement_id is not null or b.lot_id is not null;
  end if;
  return v_state;
end;
$$;
