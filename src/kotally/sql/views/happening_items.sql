-- What the timeline shows of each happening: the type is its own, such as `freeze_planned`.
create or replace view kotally.happening_items as
select h.location_id, h.contact_id, h.at, h.id,
       json_build_object(
         'type', h.type, 'at', kotally.iso(h.at), 'entitlement_id', h.entitlement_id,
         'details', h.details, 'source', h.source, 'actor', h.actor) as item
  from kotally.happenings h;
