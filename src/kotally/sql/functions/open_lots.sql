-- Write new lots, still empty; a lot of another location is a fault of the caller. One that a
-- freeze covers lives until where the freeze will move it (S8.4).
create or replace function kotally.open_lots(p_location_id text, p_lots kotally.lots[])
returns void language plpgsql as $$
begin
  if cardinality(p_lots) > 0 then
    if exists (select from unnest(p_lots) l where l.location_id <> p_location_id) then
      raise exception 'a lot of another location cannot be opened in %', p_location_id;
    end if;
    insert into kotally.lots select l.* from unnest(p_lots) l where l.location_id = p_location_id;
    update kotally.lots l
       set projected_expires_at = kotally.projected_expiry(l, t.timezone)
      from unnest(p_lots) n, kotally.locations t
     where t.id = p_location_id and l.location_id = p_location_id and l.id = n.id
       and n.expires_at is not null
       and exists (
         select from kotally.freezes f
          where f.location_id = p_location_id and f.contact_id = n.contact_id
            and f.status in ('planned', 'running'));
  end if;
end;
$$;
