-- The code of a refusal for which no lot with credits was left: a spent lot that fits says
-- INSUFFICIENT_CREDITS, a contact with nothing that could ever pay says NO_ENTITLEMENT.
create or replace function kotally.refusal(
  p_location_id text, p_contact_id uuid, p_code text, p_product_config_id text,
  p_calendar_id text, p_at timestamptz, p_now timestamptz
) returns text language sql stable as $$
  select case
    when p_code in ('INSUFFICIENT_CREDITS', 'CAP_REACHED') then p_code
    when exists (
      select from kotally.lots l
       where l.location_id = p_location_id and l.contact_id = p_contact_id and l.available = 0
         and l.consumed + l.held + l.penalty > 0
         and kotally.lot_verdict(l, false, p_product_config_id, p_calendar_id, p_at, p_now) = 'eligible')
      then 'INSUFFICIENT_CREDITS'
    else p_code
  end
$$;
