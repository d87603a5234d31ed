-- Entitlements as a summary shows them, the newest first.
create or replace function kotally.entitlement_items(
  p_location_id text, p_ids uuid[], p_lots kotally.lots[], p_blockers kotally.blockers[], p_at timestamptz
) returns table (items json) language sql stable as $$
  select coalesce(json_agg(row_to_json(i) order by i.id desc), '[]')
    from (
      select r.id, r.product_config_id, r.status, r.remaining as credits_remaining,
             kotally.iso(r.expires_at) as expires_at
        from kotally.entitlement_rows(p_location_id, p_ids, p_lots, p_blockers, p_at) r) i
$$;
