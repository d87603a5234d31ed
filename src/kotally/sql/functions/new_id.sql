-- A UUID of version 7, for rows that a function has to make by itself. Its time goes down to
-- microseconds, so that what one act makes sorts in the order of making.
create or replace function kotally.new_id()
returns uuid language sql volatile as $$
  select encode(
      overlay(uuid_send(gen_random_uuid()) placing
        substring(int8send(t.us / 1000) from 3)
          || int2send((x'7000'::integer + t.us % 1000 * 4096 / 1000)::smallint)
        from 1 for 8),
      'hex')::uuid
    from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us) t
$$;
