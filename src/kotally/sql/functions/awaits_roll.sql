-- Whether a lot that has reached its end still waits for its roll-over: until the next period is
-- confirmed it keeps what it has, and nothing of it can be spent (S7.7).
create or replace function kotally.awaits_roll(p_lot kotally.lots)
returns boolean language sql stable as $$
  select p_lot.rules ? 'rollover' and p_lot.class in ('included', 'rollover')
     and not exists (
       select from kotally.rolls r
        where r.location_id = p_lot.location_id and r.lot_id = p_lot.id)
     and exists (
       select from kotally.memberships m
        where m.location_id = p_lot.location_id and m.id = p_lot.entitlement_id
          and m.status <> 'ended')
$$;
