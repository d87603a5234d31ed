-- Write new lots, still empty; a lot of another location is a fault of the caller.
create or replace function kotally.open_lots(p_location_id text, p_lots kotally.lots[])
returns void language plpgsql as $$
begin
  if cardinality(p_lots) > 0 then
    if exists (select from unnest(p_lots) l where l.location_id <> p_location_id) then
      raise exception 'a lot of another location cannot be opened in %', p_location_id;
    end if;
    insert into kotally.lots select l.* from unnest(p_lots) l where l.location_id = p_location_id;
  end if;
end;
$$;
