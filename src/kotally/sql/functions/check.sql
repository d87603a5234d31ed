-- Whether a contact, named as the caller names it, could pay now, and on request why and why not
-- for every lot (S3). Reads only.
create or replace function kotally.check(
  p_location_id text, p_external_contact_id text, p_product_config_id text, p_calendar_id text,
  p_amount bigint, p_appointment_at timestamptz, p_explain boolean, p_correlation_id uuid
) returns setof kotally.outcome language plpgsql stable as $$
declare
  v_now timestamptz := kotally.location_now(p_location_id);
  v_contact_id uuid;
  v_act kotally.act;
  v_out kotally.outcome;
begin
  select c.id into v_contact_id from kotally.contacts c
   where c.location_id = p_location_id and c.external_id = p_external_contact_id;
  v_act.operation := 'check';
  v_act.product_config_id := p_product_config_id;
  v_act.calendar_id := p_calendar_id;
  v_act.amount := p_amount;
  v_act.appointment_at := p_appointment_at;
  v_act.correlation_id := p_correlation_id;
  v_out := kotally.check_eligibility(p_location_id, v_act, v_contact_id, v_now);
  if p_explain then
    v_out.answer := left(v_out.answer, -1) || ', "explain" : ' || kotally.explain(
      p_location_id, v_contact_id, p_product_config_id, p_calendar_id,
      greatest(p_appointment_at, v_now), v_now) || '}';
  end if;
  return next v_out;
end;
$$;
