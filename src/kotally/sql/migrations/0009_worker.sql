-- What the sweeps have done; a control table, written by whichever worker runs.

create table kotally.sweeps (
  name          text primary key,
  ran_at        timestamptz not null,
  rows_done     bigint not null default 0 check (rows_done >= 0),
  errors        bigint not null default 0 check (errors >= 0),
  last_error    text,
  last_error_at timestamptz
);
