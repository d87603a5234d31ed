-- What a contact has, as a reader shall see it at a time: the lots, and the entitlements a summary
-- names, or those asked for. A time that has passed is answered from the entries known by then,
-- with all lots there were; a time ahead from what is there now.
create or replace function kotally.holdings(
  p_location_id text, p_contact_id uuid, p_at timestamptz, p_last_seq bigint,
  inout p_entitlement_ids uuid[], out lots kotally.lots[]
) language plpgsql stable as $$
begin
  if p_last_seq is not null then
    lots := array(
      select l from kotally.lots_as_of(p_location_id, p_contact_id, p_at, p_last_seq) l);
  end if;
  p_entitlement_ids := coalesce(p_entitlement_ids, array(
    select e.id from kotally.listed_entitlements(p_location_id, p_contact_id, p_at, lots) e));
  if p_last_seq is null then
    lots := array(
      select l from kotally.lots l
       where l.location_id = p_location_id and l.entitlement_id = any (p_entitlement_ids)
         and l.contact_id = p_contact_id);
  end if;
  if exists (select from unnest(lots) l where l.held > 0) then
    lots := kotally.settle_lapsed(p_location_id, p_contact_id, lots, p_at, p_last_seq);
  end if;
end;
$$;
