-- The number of the contact's last posting that was recorded by a time; null when the time has not
-- passed, because then all of them count.
create or replace function kotally.last_seq(p_location_id text, p_contact_id uuid, p_as_of timestamptz)
returns bigint language plpgsql stable as $$
begin
  if p_as_of is null or p_as_of >= kotally.location_now(p_location_id) then
    return null;
  end if;
  return coalesce((
    select p.seq from kotally.postings p
     where p.location_id = p_location_id and p.contact_id = p_contact_id
       and p.recorded_at <= p_as_of
     order by p.seq desc limit 1), 0);
end;
$$;
