-- Whether an owner's credits of an entitlement, under a version's rules, are good for somebody else.
-- The args are those of the act: `beneficiary_id`, `is_guest` (S12.5), and `booked_at` for a
-- booking that was made already: who has been removed since may still use it (S12.4). Of those who
-- are named only the first `max_users` count.
create or replace function kotally.lends(
  p_location_id text, p_owner_id uuid, p_args jsonb, p_entitlement_id uuid,
  p_product_config_id text, p_version integer
) returns boolean language plpgsql stable as $$
declare
  v_beneficiary_id uuid := (p_args ->> 'beneficiary_id')::uuid;
  v_booked_at timestamptz := (p_args ->> 'booked_at')::timestamptz;
  v_rules jsonb := (
    select coalesce(v.rules -> 'sharing', '{}') from kotally.product_versions v
     where v.location_id = p_location_id and v.product_id = p_product_config_id and v.version = p_version);
begin
  if (p_args ->> 'is_guest')::boolean then
    return coalesce((v_rules ->> 'guests')::boolean, false) and (v_booked_at is not null or (
      select g.code is null
        from kotally.guest_verdict(p_location_id, v_beneficiary_id, p_product_config_id, v_rules) g));
  end if;
  return coalesce((v_rules ->> 'shareable')::boolean, false) and exists (
    select from (
      select s.user_id, row_number() over (order by min(s.since), min(s.id::text)) as place
        from kotally.shares s
       where s.location_id = p_location_id and s.owner_id = p_owner_id
         and coalesce(s.entitlement_id = p_entitlement_id, true)
         and (s.until is null or s.until >= v_booked_at)
       group by s.user_id) u
     where u.user_id = v_beneficiary_id and coalesce(u.place <= (v_rules ->> 'max_users')::bigint, true));
end;
$$;
