-- Answers for acts whose request stands earlier in the same batch.
create or replace function kotally.repetitions(p_location_id text, p_acts kotally.act[])
returns setof kotally.outcome language plpgsql stable as $$
declare
  v record;
begin
  for v in
    select i.ord, p_acts[i.ord] as act
      from (
        select a.ordinality::integer as ord, a.request_id,
               row_number() over (partition by a.source, a.request_id order by a.ordinality) as nth
          from unnest(p_acts) with ordinality a) i
     where i.nth > 1 and i.request_id is not null
  loop
    return next coalesce(
      kotally.replay(p_location_id, v.act, v.ord),
      (v.ord, 'STALE', false, (v.act).correlation_id, '{}')::kotally.outcome);
  end loop;
end;
$$;
