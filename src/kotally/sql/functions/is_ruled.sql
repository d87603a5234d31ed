-- Whether a version allows or limits more than its credits: unlimited use, caps, credits in
-- advance, or a validity that starts with a first class (S1.2, S3.3, S6.4, S11.5).
-- Whoever changes an entitlement's version keeps entitlements.is_ruled to this.
create or replace function kotally.is_ruled(p_location_id text, p_product_id text, p_version integer)
returns boolean language sql stable as $$
  select exists (
    select from kotally.product_versions v
     where v.location_id = p_location_id and v.product_id = p_product_id and v.version = p_version
       and (v.rules ?| '{unlimited,caps}' or (v.rules #>> '{arrears,advance_max}')::integer > 0
            or v.rules #>> '{validity,starts}' in ('first_booking', 'first_attended')))
$$;
