-- What a contact has, by lots: `available` can be spent, `paused` is unexpired but blocked.
create or replace function kotally.credits_item(
  p_lots kotally.lots[], p_blockers kotally.blockers[], p_at timestamptz
) returns table (item json) language sql stable as $$
  select json_build_object(
      'available', coalesce(sum(l.available) filter (where s.is_good and not s.is_blocked), 0),
      'held', coalesce(sum(l.held), 0),
      'expiring_within_30_days', coalesce(sum(l.available) filter (
        where s.is_good and not s.is_blocked and kotally.is_expired(l, p_at + interval '30 days')), 0),
      'paused', coalesce(sum(l.available) filter (where s.is_good and s.is_blocked), 0),
      'owed', coalesce(sum(l.owed), 0))
    from unnest(p_lots) l
   cross join lateral (
     select not kotally.is_expired(l, p_at) as is_good,
            case when cardinality(p_blockers) = 0 then false
                 else kotally.is_blocked(p_blockers, l.entitlement_id, l.id, p_at)
            end as is_blocked) s
$$;
