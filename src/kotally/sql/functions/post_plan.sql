-- Write postings that were planned outside the kernel, and open the lots they need. The plan comes
-- as JSON arrays of kotally.new_posting and of kotally.lots; what a lot does not say is empty.
create or replace function kotally.post_plan(p_location_id text, p_now timestamptz, p_postings text, p_lots text)
returns void language plpgsql as $$
begin
  perform kotally.post(
    p_location_id, p_now,
    array(select p from jsonb_populate_recordset(null::kotally.new_posting, p_postings::jsonb) p),
    array(
      select jsonb_populate_record(
        kotally.empty_lot(p_location_id, (l ->> 'contact_id')::uuid, p_now), l)
        from jsonb_array_elements(p_lots::jsonb) l));
end;
$$;
