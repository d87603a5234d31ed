-- Let the planner know of tables that have grown several times over since they were last looked at.
-- Without statistics it takes any index that begins with the location, and reads all of it. Belongs
-- to the owner, who alone may analyze; does nothing when autovacuum has been there.
create or replace function kotally.refresh_statistics()
returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_table record;
  v_count integer := 0;
begin
  for v_table in
    select c.oid::regclass as name from pg_class c
     where c.relnamespace = 'kotally'::regnamespace and c.relkind = 'r'
       -- Eight pages are looked through in no time, whatever the plan.
       and pg_relation_size(c.oid) / 8192 > 8 + 3 * greatest(c.relpages, 0)
     order by c.oid
  loop
    execute format('analyze %s', v_table.name);
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
