-- The movements that bring a hold to what shall be used up and what shall be forfeited of it; all
-- else goes back (S2.2, S5.1, S5.7). What is open is used first slice first; what was used up
-- becomes a penalty or the other way round; what had gone back is taken again as far as there is.
create or replace function kotally.conclude_plan(
  p_hold kotally.holds, p_captured bigint, p_penalised bigint, p_by_studio boolean, p_now timestamptz
) returns kotally.return_plan language plpgsql volatile as $$
declare
  v_consumed bigint := coalesce((
    select sum(s.amount) from kotally.hold_slices(p_hold, 'consumed') s), 0);
  v_penalty bigint := coalesce((
    select sum(s.amount) from kotally.hold_slices(p_hold, 'penalty') s), 0);
  v_open bigint := case when p_hold.status = 'held' then p_hold.amount else 0 end;
  v_to_penalty bigint := least(greatest(v_consumed - p_captured, 0), greatest(p_penalised - v_penalty, 0));
  v_to_consumed bigint := least(greatest(v_penalty - p_penalised, 0), greatest(p_captured - v_consumed, 0));
  v_use bigint := least(v_open, p_captured);
  v_forfeit bigint := least(v_open - least(v_open, p_captured), p_penalised);
  v_back kotally.return_plan;
  v_from kotally.bucket;
  v_plan kotally.return_plan := ('{}', '{}')::kotally.return_plan;
begin
  v_plan.entries := kotally.plan_use(p_hold, 'held', 'consumed', v_use, 0)
    || kotally.plan_use(p_hold, 'held', 'penalty', v_forfeit, v_use)
    || kotally.plan_use(p_hold, 'consumed', 'penalty', v_to_penalty, 0)
    || kotally.plan_use(p_hold, 'penalty', 'consumed', v_to_consumed, 0);
  foreach v_from in array array['held', 'consumed', 'penalty']::kotally.bucket[] loop
    v_back := kotally.plan_return(p_hold, v_from, case v_from
      when 'held' then v_open - v_use - v_forfeit
      when 'consumed' then greatest(v_consumed - v_to_penalty - p_captured, 0)
      else greatest(v_penalty - v_to_consumed - p_penalised, 0) end, p_now, p_by_studio,
      v_plan.entries);
    v_plan.entries := v_plan.entries || v_back.entries;
    v_plan.lots := v_plan.lots || v_back.lots;
  end loop;
  v_plan.entries := v_plan.entries
    || kotally.retake(
         p_hold, 'consumed', greatest(p_captured - v_use - v_consumed - v_to_consumed, 0), p_now)
    || kotally.retake(
         p_hold, 'penalty', greatest(p_penalised - v_forfeit - v_penalty - v_to_penalty, 0), p_now);
  return v_plan;
end;
$$;
