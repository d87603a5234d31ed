-- Pay for a contact's bookings that wait for credits, oldest class first: those without funds with
-- whatever there is now, provisional ones when their membership's period has been granted (S2.8).
-- Part of the act that granted; its postings are numbered from p_part. Answers how many it paid for.
create or replace function kotally.fund_waiting(
  p_location_id text, p_act kotally.act, p_contact_id uuid, p_now timestamptz, p_part smallint
) returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
  v kotally.bookings;
  v_act kotally.act := p_act;
  v_out kotally.outcome;
  v_count integer := 0;
begin
  for v in
    select * from kotally.bookings b
     where b.location_id = p_location_id and b.contact_id = p_contact_id
       and b.status in ('unfunded', 'provisional')
     order by b.starts_at, b.id
  loop
    continue when v.status = 'provisional' and not exists (
      select from kotally.memberships m
       where m.location_id = p_location_id and m.id = v.entitlement_id
         and m.period_starts_at <= v.starts_at and v.starts_at < m.period_ends_at);
    v_act.id := kotally.new_id();
    v_act.operation := case when v.mode = 'booking' then 'deduct' else 'hold' end;
    v_act.product_config_id := v.product_config_id;
    v_act.calendar_id := v.calendar_id;
    v_act.amount := v.units;
    v_act.appointment_at := v.starts_at;
    v_act.external_ref := v.external_ref;
    v_act.args := kotally.use_args(v);
    update kotally.bookings b set status = 'unfunded'
     where b.location_id = p_location_id and b.id = v.id;
    v_out := kotally.take_now(
      p_location_id, v_act, p_contact_id, p_now, (p_part + v_count)::smallint);
    if v_out.code not in ('held', 'deducted') then
      perform kotally.tell_unfunded(p_location_id, v, v_out.code, p_act, p_now);
      continue;
    end if;
    v_count := v_count + 1;
    perform kotally.book_funded(p_location_id, v.id, v_out, p_act, p_now);
  end loop;
  return v_count;
end;
$$;
