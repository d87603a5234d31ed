-- The contact's lots numbered as they would be spent (S1.3); those with nothing left come last,
-- newest first. At most 50.
create or replace function kotally.burn_order(p_location_id text, p_contact_id uuid)
returns table (lot kotally.lots, place bigint) language sql stable as $$
  select l, row_number() over w
    from kotally.lots l
   where l.location_id = p_location_id and l.contact_id = p_contact_id
  window w as (order by l.available = 0,
    case when l.available > 0 then l.priority end,
    case when l.available > 0 then l.expires_at end nulls last,
    case when l.available > 0 then l.coverage_width end,
    case when l.available > 0 then l.unit_cost end,
    case when l.available > 0 then l.effective_at end,
    case when l.available > 0 then l.id end, l.id desc)
   order by 2 limit 50
$$;
