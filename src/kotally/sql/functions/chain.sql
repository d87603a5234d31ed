-- The next link of a contact's hash chain: the digest of the former link and of everything the
-- posting says. JSON keeps the fields apart, so no two different postings read the same.
create or replace function kotally.chain(p_head bytea, p_posting kotally.postings, p_entries text)
returns bytea language sql stable as $$
  select sha256(p_head || convert_to(json_build_array(
    p_posting.location_id, p_posting.contact_id, p_posting.seq, p_posting.id, p_posting.kind,
    p_posting.reason, p_posting.source, p_posting.actor, p_posting.request_id, p_posting.part,
    p_posting.correlation_id, p_posting.effective_at, p_posting.recorded_at, p_posting.amount,
    p_posting.available_after, p_posting.held_after, p_posting.external_ref, p_posting.hold_id,
    p_posting.refers_to, p_posting.metadata::text, p_entries)::text, 'UTF8'))
$$;
