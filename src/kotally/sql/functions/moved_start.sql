-- The rule by which a lot starts, or null, when its expiry is moved: what staff extends it to and
-- the days it is given count for the lot that has not started (`by`) as for the one that has
-- (`extended_to`), so that neither a start nor its undoing loses them (S6.4, S6.7, S8.4).
create or replace function kotally.moved_start(
  p_lot kotally.lots, p_to_at timestamptz, p_reason text, p_cause_id uuid, p_timezone text
) returns jsonb language sql stable as $$
  select r.rule || case
    when p_reason in ('booking', 'released', 'correction') then '{}'
    when p_reason = 'expiry_extended' then jsonb_strip_nulls(jsonb_build_object(
      'by', case when r.until is not null then greatest(r.until, p_to_at) end,
      'extended_to', greatest(r.extended_to, p_to_at)))
    else jsonb_strip_nulls(jsonb_build_object(
      'by', kotally.add_local_days(r.until, d.days, p_timezone),
      'extended_to', kotally.add_local_days(r.extended_to, d.days, p_timezone))) end
    from (
      select p_lot.rules -> 'starts' as rule, (p_lot.rules #>> '{starts,by}')::timestamptz as until,
             (p_lot.rules #>> '{starts,extended_to}')::timestamptz as extended_to) r
   cross join lateral (
     select case
       -- A start may have made of no effect what a reversal takes back.
       when p_reason = 'reversal' then (
         select (x.from_at at time zone p_timezone)::date - (x.to_at at time zone p_timezone)::date
           from kotally.expiry_changes x
          where x.location_id = p_lot.location_id and x.lot_id = p_lot.id
            and x.cause_id = p_cause_id and x.reason = 'closure')
       else (p_to_at at time zone p_timezone)::date
            - (p_lot.expires_at at time zone p_timezone)::date end as days) d
$$;
