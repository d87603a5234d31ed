-- Make the contacts that the grants of a batch bring with them, in order of their names.
create or replace function kotally.meet_contacts(p_location_id text, p_acts kotally.act[], p_now timestamptz)
returns void language plpgsql as $$
begin
  insert into kotally.contacts (location_id, id, external_id, email, name, created_at)
  select distinct on (a.external_contact_id)
         p_location_id, (a.args::jsonb ->> 'contact_id')::uuid, a.external_contact_id,
         a.args::jsonb ->> 'email', a.args::jsonb ->> 'name', p_now
    from unnest(p_acts) a
   where a.operation = 'grant' and a.args::jsonb ? 'version'
     and not exists (
       select from kotally.contacts c
        where c.location_id = p_location_id and c.external_id = a.external_contact_id)
     and not exists (
       select from kotally.payments p
        where p.location_id = p_location_id and p.provider = a.args::jsonb ->> 'provider'
          and p.external_payment_id = a.args::jsonb ->> 'external_payment_id')
   order by a.external_contact_id
      on conflict do nothing;
  insert into kotally.balances (location_id, contact_id)
  select p_location_id, c.id from kotally.contacts c
   where c.location_id = p_location_id
     and c.external_id in (select a.external_contact_id from unnest(p_acts) a where a.operation = 'grant')
   order by c.external_id
      on conflict do nothing;
end;
$$;
