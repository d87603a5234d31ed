-- What one unit on a calendar costs from this lot, in credits; without a calendar, one.
create or replace function kotally.lot_weight(p_lot kotally.lots, p_calendar_id text)
returns bigint language sql immutable as $$
  select coalesce((p_lot.coverage ->> p_calendar_id)::bigint, 1)
$$;
