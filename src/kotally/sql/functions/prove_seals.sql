-- Seals that do not follow from the one before: a number is missing, or its root is another.
create or replace function kotally.prove_seals(p_location_id text, p_limit integer)
returns table (contact_id uuid, lot_id uuid, seq bigint, rule text, subject text, expected text, found text)
language sql stable as $$
  select null::uuid, null::uuid, null::bigint, d.rule, s.number::text, d.expected, d.found
    from (
      select e.number, e.previous, lag(e.number, 1, 0::bigint) over w as last_number, lag(e.root) over w as last_root
        from kotally.seals e where e.location_id = p_location_id
      window w as (order by e.number)) s
   cross join lateral (values
     (1, 'seal_number', (s.last_number + 1)::text, s.number::text),
     (2, 'seal_previous', encode(s.last_root, 'hex'), encode(s.previous, 'hex'))) d (rank, rule, expected, found)
   where d.expected is distinct from d.found
   order by s.number, d.rank
   limit p_limit
$$;
