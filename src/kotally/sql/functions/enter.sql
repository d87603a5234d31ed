-- Enter postings in the books: the postings and their entries, the buckets of the lots, the
-- contacts' balances and the heads of their chains; with them the holds that the postings place
-- and the requests that they answer. All is worked out in memory, then written.
-- The inner part of kotally.post and kotally.apply, which see to the rights.
create or replace function kotally.enter(
  p_location_id text, p_now timestamptz, p_postings kotally.new_posting[],
  p_holds kotally.holds[] default '{}', p_requests kotally.requests[] default '{}'
) returns void language plpgsql
set timezone = 'UTC'
set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off
set plan_cache_mode = force_generic_plan as $$
declare
  v record;
  v_entry kotally.new_entry;
  v_line integer;
  v_digest text;
  v_before bigint;
  v_balance kotally.balances;
  v_recorded_at timestamptz := kotally.recorded_at(p_location_id, p_now);
  v_row kotally.postings;
  v_rows kotally.postings[] := '{}';
  v_balances kotally.balances[] := '{}';
  v_entries kotally.entries[] := '{}';
begin
  for v in
    select p.*, b as balance
      from unnest(p_postings) with ordinality p
      join kotally.balances b on b.location_id = p_location_id and b.contact_id = p.contact_id
     order by p.contact_id, p.ordinality
  loop
    if v_balance.contact_id is distinct from v.contact_id then
      if v_balance.contact_id is not null then
        v_balances := v_balances || v_balance;
      end if;
      v_balance := v.balance;
      -- Time never runs backwards for a contact, whatever the machine's clock does.
      v_balance.posted_at := greatest(v_recorded_at, v_balance.posted_at);
    end if;
    v_balance.seq := v_balance.seq + 1;
    v_before := v_balance.available;
    v_line := 0;
    v_digest := '';
    foreach v_entry in array v.entries loop
      v_line := v_line + 1;
      v_digest := v_digest || v_entry::text;
      v_balance := kotally.move_balance(v_balance, v_entry);
      v_entries := v_entries || (
        p_location_id, v.contact_id, v_balance.seq, v_line, v_entry.lot_id, v_entry.from_bucket,
        v_entry.to_bucket, v_entry.amount)::kotally.entries;
    end loop;
    v_row := (
      p_location_id, v.contact_id, v_balance.seq, v.id, v.kind, v.reason, v.source, v.actor,
      v.request_id, coalesce(v.part, 0), v.correlation_id, coalesce(v.effective_at, p_now),
      v_balance.posted_at, v_balance.available - v_before, v_balance.available, v_balance.held,
      v.external_ref, v.hold_id, v.refers_to, v.metadata, null)::kotally.postings;
    v_row.chain := kotally.chain(v_balance.head, v_row, v_digest);
    v_balance.head := v_row.chain;
    v_rows := v_rows || v_row;
  end loop;
  v_balances := v_balances || v_balance;
  if cardinality(v_rows) <> cardinality(p_postings) then
    raise exception 'a posting in % is for a contact without a balance', p_location_id;
  end if;
  perform kotally.write_books(p_location_id, v_rows, v_entries, v_balances, p_holds, p_requests);
end;
$$;
