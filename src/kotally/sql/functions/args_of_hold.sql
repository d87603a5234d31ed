-- The args for taking more for a hold that was placed: for whom it is, when not for its contact.
create or replace function kotally.args_of_hold(p_hold kotally.holds) returns text language sql stable as $$
  select jsonb_build_object(
           'beneficiary_id', u.beneficiary_id, 'is_guest', u.is_guest, 'booked_at', u.used_at)::text
    from kotally.shared_uses u
   where u.location_id = p_hold.location_id and u.hold_id = p_hold.id
$$;
