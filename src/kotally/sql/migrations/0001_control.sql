-- Control tables: who pays, who signs in, which locations and programs exist.
-- Small and rarely written; on a cluster each is a reference table on every node.

create table kotally.workspaces (
  id             uuid primary key,
  name           text not null check (length(name) between 1 and 200),
  billing_status text not null default 'active'
    check (billing_status in ('active', 'trialing', 'past_due', 'suspended')),
  created_at     timestamptz not null default now()
);

create table kotally.users (
  id            uuid primary key,
  workspace_id  uuid not null constraint users_workspace_fkey references kotally.workspaces (id),
  email         text not null check (length(email) between 3 and 320),
  password_hash text not null,
  role          text not null check (role in ('owner', 'admin', 'viewer')),
  created_at    timestamptz not null default now()
);
create unique index users_email_key on kotally.users (lower(email));

create table kotally.locations (
  id           text collate "C" primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  workspace_id uuid not null constraint locations_workspace_fkey references kotally.workspaces (id),
  name         text not null check (length(name) between 1 and 200),
  timezone     text not null,
  status       text not null default 'active' check (status in ('pending', 'active', 'disconnected')),
  is_sandbox   boolean not null default false,
  -- A sandbox stands still at this instant until somebody advances it.
  clock_at     timestamptz,
  -- How long before its start a booking can be cancelled for free (S4.1).
  cancel_window_minutes integer not null default 720
    check (cancel_window_minutes between 0 and 525600),
  settings     jsonb not null default '{}' check (jsonb_typeof(settings) = 'object'),
  created_at   timestamptz not null default now(),
  constraint locations_sandbox_has_a_clock check (is_sandbox = (clock_at is not null))
);
create index locations_workspace_idx on kotally.locations (workspace_id);

create table kotally.api_clients (
  id                   uuid primary key,
  location_id          text collate "C" not null
    constraint api_clients_location_fkey references kotally.locations (id),
  name                 text not null check (length(name) between 1 and 200),
  scopes               text[] not null,
  -- Only digests are kept: whoever reads the table cannot sign in.
  secret_hash          bytea not null check (length(secret_hash) = 32),
  previous_secret_hash bytea check (length(previous_secret_hash) = 32),
  previous_valid_until timestamptz,
  requests_per_second  integer not null default 1000 check (requests_per_second between 1 and 1000000),
  expires_at           timestamptz,
  deactivated_at       timestamptz,
  last_used_at         timestamptz,
  created_at           timestamptz not null default now(),
  constraint api_clients_overlap_is_whole
    check ((previous_secret_hash is null) = (previous_valid_until is null))
);
create index api_clients_location_idx on kotally.api_clients (location_id);
