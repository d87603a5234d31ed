-- Entries that belong nowhere: their posting is gone, or their lot is not the contact's.
create or replace function kotally.prove_entries(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable set work_mem = '64MB' as $$
  select e.contact_id, e.lot_id, e.seq, d.rule, e.line::text, d.expected, d.found
    from kotally.entries e
    left join kotally.postings p
      on p.location_id = p_location_id and p.contact_id = e.contact_id and p.seq = e.seq
    left join kotally.lots l on l.location_id = p_location_id and l.id = e.lot_id
   cross join lateral (values
     (1, 'entry_posting', e.seq::text, p.seq::text),
     (2, 'entry_lot', e.contact_id::text, l.contact_id::text)) d (rank, rule, expected, found)
   where e.location_id = p_location_id
     and (p.seq is null or l.contact_id is distinct from e.contact_id)
     and d.expected is distinct from d.found
   order by e.contact_id, e.seq, e.line, d.rank
   limit p_limit
$$;
