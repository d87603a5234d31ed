-- Give up an atomic batch at an act that was refused: KT001, and nothing is written.
create or replace function kotally.demand_done(p_outcome kotally.outcome)
returns void language plpgsql as $$
begin
  if p_outcome.code = upper(p_outcome.code) then
    raise exception using errcode = 'KT001', message = p_outcome.code,
      detail = row_to_json(p_outcome)::text;
  end if;
end;
$$;
