-- Why a guest may not come on a product, or null, and how often the guest has come on it (S12.5).
-- A guest is known again by e-mail and phone, too: all contacts with either are one person. New is
-- who never paid, never came on credits of their own or of the family, and never as a guest of
-- another product. What was given back was no visit.
create or replace function kotally.guest_verdict(
  p_location_id text, p_guest_id uuid, p_product_config_id text, p_rules jsonb,
  out code text, out visits bigint
) language plpgsql stable as $$
declare
  v_person uuid[] := kotally.same_person(p_location_id, p_guest_id);
  v_allowed bigint := (p_rules ->> 'visits_per_guest')::bigint;
  v_is_known boolean;
begin
  select count(*) filter (where u.is_guest and e.product_config_id = p_product_config_id),
         count(*) filter (where not u.is_guest or e.product_config_id <> p_product_config_id) > 0
    into visits, v_is_known
    from kotally.shared_uses u
    join kotally.entitlements e on e.location_id = p_location_id and e.id = u.entitlement_id
    join kotally.holds h on h.location_id = p_location_id and h.id = u.hold_id
   where u.location_id = p_location_id and u.beneficiary_id = any (v_person) and h.is_live;
  if (p_rules ->> 'new_guests_only')::boolean and (
    v_is_known or v_allowed is null and visits > 0
    or exists (
      select from kotally.payments p
       where p.location_id = p_location_id and p.contact_id = any (v_person))
    or exists (
      select from kotally.holds h
       where h.location_id = p_location_id and h.contact_id = any (v_person) and h.is_live)) then
    code := 'GUEST_NOT_NEW';
  elsif visits >= v_allowed then
    code := 'GUEST_VISITS_USED';
  end if;
end;
$$;
