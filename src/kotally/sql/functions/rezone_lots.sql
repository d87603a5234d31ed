-- Move the bounds of a location's lots into another time zone, and keep what each expiry was
-- (S14.5). Answers how many expiries moved. The caller holds the locks of all contacts.
create or replace function kotally.rezone_lots(
  p_location_id text, p_from text, p_to text, p_source text, p_actor text, p_correlation_id uuid,
  p_now timestamptz
) returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  v_count integer;
begin
  perform kotally.change_expiry(
      p_location_id, l.id, kotally.in_zone(l.expires_at, p_from, p_to, p_now), 'correction', null,
      p_source, p_actor, p_correlation_id, p_now)
    from kotally.lots l
   where l.location_id = p_location_id and l.expires_at > p_now
     and kotally.in_zone(l.expires_at, p_from, p_to, p_now) <> l.expires_at;
  get diagnostics v_count = row_count;
  update kotally.lots l set effective_at = kotally.in_zone(l.effective_at, p_from, p_to, p_now)
   where l.location_id = p_location_id and l.effective_at > p_now;
  update kotally.lots l
     set rules = jsonb_set(l.rules, '{starts}', l.rules -> 'starts' || jsonb_strip_nulls(jsonb_build_object(
           'by', kotally.in_zone((l.rules #>> '{starts,by}')::timestamptz, p_from, p_to, p_now),
           'extended_to', kotally.in_zone(
             (l.rules #>> '{starts,extended_to}')::timestamptz, p_from, p_to, p_now))))
   where l.location_id = p_location_id and l.rules -> 'starts' ?| array['by', 'extended_to'];
  perform kotally.project_lots(p_location_id, f.contact_id)
    from (select distinct z.contact_id from kotally.freezes z
           where z.location_id = p_location_id and z.status in ('planned', 'running')) f;
  return v_count;
end;
$$;
