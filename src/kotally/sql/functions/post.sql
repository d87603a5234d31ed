-- The only door to history for what is planned elsewhere: opens new lots, then enters the postings
-- in the books. The caller holds the contacts' locks. A movement that a rule of the schema forbids
-- raises, and nothing is written.
create or replace function kotally.post(
  p_location_id text, p_now timestamptz, p_postings kotally.new_posting[],
  p_lots kotally.lots[] default '{}'
) returns void language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  if cardinality(p_lots) > 0 then
    perform kotally.open_lots(p_location_id, p_lots);
  end if;
  perform kotally.enter(p_location_id, p_now, p_postings);
end;
$$;
