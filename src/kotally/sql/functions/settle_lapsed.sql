-- Lots as they stand when every hold that has lapsed by a time counts as released, whether or not
-- a sweep has passed (S2.5). What a lapsed hold keeps is what its placing took.
create or replace function kotally.settle_lapsed(
  p_location_id text, p_contact_id uuid, p_lots kotally.lots[], p_at timestamptz
) returns kotally.lots[] language plpgsql stable as $$
declare
  v record;
  v_lots kotally.lots[] := p_lots;
begin
  for v in
    select l.place, sum(e.amount)::bigint as amount
      from kotally.holds h
      join kotally.entries e
        on e.location_id = p_location_id and e.contact_id = p_contact_id
       and e.seq = h.placed_seq and e.to_bucket = 'held'
      join (select o.id, o.ordinality::integer as place
              from unnest(p_lots) with ordinality o) l on l.id = e.lot_id
     where h.location_id = p_location_id and h.contact_id = p_contact_id
       and h.lapses_at <= p_at and (h.status = 'held' or h.closed_at > p_at)
     group by l.place
  loop
    v_lots[v.place].available := v_lots[v.place].available + v.amount;
    v_lots[v.place].held := v_lots[v.place].held - v.amount;
  end loop;
  return v_lots;
end;
$$;
