-- Where credits of a lot stand that are held, used or forfeited: in the lot itself, then in the debts
-- that a refund made of its used ones (S10.4).
create or replace function kotally.used_parts(
  p_location_id text, p_lot_id uuid, p_bucket kotally.bucket, p_credits bigint
) returns table (place bigint, lot_id uuid, amount bigint) language sql stable as $$
  select p.place, p.id, (least(p.up_to, p_credits) - p.up_to + p.there)::bigint
    from (
      select row_number() over w as place, l.id, l.there, sum(l.there) over w as up_to
        from (
          select o.id, o.issued_at, false as is_debt,
                 case p_bucket when 'held' then o.held when 'penalty' then o.penalty else o.consumed end as there
            from kotally.lots o
           where o.location_id = p_location_id and o.id = p_lot_id
          union all
          select d.id, d.issued_at, true, case p_bucket when 'penalty' then d.penalty else d.consumed end
            from kotally.lots o
            join kotally.lots d
              on d.location_id = p_location_id and d.entitlement_id = o.entitlement_id
             and d.parent_lot_id = o.id and d.class = 'advance'
           where o.location_id = p_location_id and o.id = p_lot_id and p_bucket in ('consumed', 'penalty')) l
       window w as (order by l.is_debt, l.issued_at, l.id)) p
   where p.there > 0 and p.up_to - p.there < p_credits
$$;
