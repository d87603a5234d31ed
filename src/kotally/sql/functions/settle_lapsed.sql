-- Lots as they stand when every hold that has lapsed by a time counts as released, whether or not
-- a sweep has passed (S2.5). With p_last_seq only what was posted until then is known.
create or replace function kotally.settle_lapsed(
  p_location_id text, p_contact_id uuid, p_lots kotally.lots[], p_at timestamptz, p_last_seq bigint
) returns kotally.lots[] language plpgsql stable as $$
declare
  v record;
  v_lots kotally.lots[] := p_lots;
begin
  for v in
    select l.place, sum(r.amount)::bigint as amount
      from (
        select n.lot_id, n.amount from kotally.lapsed_holds(p_location_id, p_contact_id, p_at) n
         where p_last_seq is null
         union all
        select e.lot_id, e.amount
          from kotally.holds h
          join kotally.entries e
            on e.location_id = p_location_id and e.contact_id = p_contact_id
           and e.seq = h.placed_seq and e.to_bucket = 'held'
         where p_last_seq is not null and h.location_id = p_location_id
           and h.contact_id = p_contact_id and h.lapses_at <= p_at and h.placed_seq <= p_last_seq
           and not exists (
             select from kotally.postings p
              where p.location_id = p_location_id and p.contact_id = p_contact_id
                and p.refers_to = h.placed_seq and p.seq <= p_last_seq)) r
      join (select o.id, o.ordinality::integer as place
              from unnest(p_lots) with ordinality o) l on l.id = r.lot_id
     group by l.place
  loop
    if v_lots[v.place].class = 'advance' then
      v_lots[v.place].owed := v_lots[v.place].owed - v.amount;
    else
      v_lots[v.place].available := v_lots[v.place].available + v.amount;
    end if;
    v_lots[v.place].held := v_lots[v.place].held - v.amount;
  end loop;
  return v_lots;
end;
$$;
