-- The instant at which a sweep that comes late looks at a location, if it does: set for its
-- transaction alone, so that what is due is done in the order in which it was due.
create or replace function kotally.as_of() returns timestamptz language sql stable as $$
  select nullif(current_setting('kotally.as_of', true), '')::timestamptz
$$;
