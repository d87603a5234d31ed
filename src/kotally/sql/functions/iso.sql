-- A time as the API writes it: UTC, milliseconds, Z.
create or replace function kotally.iso(p_at timestamptz)
returns text language sql stable as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
