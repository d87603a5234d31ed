-- Write what a batch has decided so far: the postings, then the holds that they placed.
create or replace function kotally.flush(
  p_location_id text, p_now timestamptz, p_postings kotally.new_posting[], p_holds kotally.holds[]
) returns void language plpgsql as $$
begin
  if cardinality(p_postings) > 0 then
    perform kotally.post(p_location_id, p_now, p_postings);
  end if;
  if cardinality(p_holds) > 0 then
    insert into kotally.holds select h.* from unnest(p_holds) h
     where h.location_id = p_location_id;
  end if;
end;
$$;
