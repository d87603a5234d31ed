-- Freezes: times in which a membership pays for nothing and its credits do not age (S8).

create table kotally.freezes (
  location_id   text collate "C" not null,
  id            uuid not null,
  membership_id uuid not null,
  contact_id    uuid not null,
  starts_on     date not null,
  resumes_on    date not null,
  starts_at     timestamptz not null,
  resumes_at    timestamptz not null,
  mode          text not null check (mode in ('shift', 'prorate', 'keep')),
  covers_packs  boolean not null,
  status        text not null check (status in ('planned', 'running', 'ended', 'cancelled')),
  blocker_id    uuid not null,
  days_used     integer check (days_used >= 0),
  -- By how many days it has moved the bounds of the membership's periods so far (S8.5).
  shifted_days  integer not null default 0 check (shifted_days >= 0),
  -- What is owed for it: one fee, or one for each 30 days that it begins.
  fee_ids       uuid[] not null default '{}',
  -- The limits that staff set aside for it, and why (S8.1).
  overridden    text[] not null default '{}',
  override_reason text,
  note          text,
  created_at    timestamptz not null,
  primary key (location_id, id),
  constraint freezes_membership_fkey
    foreign key (location_id, membership_id) references kotally.memberships (location_id, id),
  constraint freezes_end_after_start check (resumes_on > starts_on or status in ('cancelled', 'ended')),
  constraint freezes_set_limits_aside_for_a_reason check (
    overridden = '{}' or override_reason is not null),
  constraint freezes_ended_were_used check ((status = 'ended') = (days_used is not null))
);
create index freezes_contact_idx on kotally.freezes (location_id, contact_id, starts_on);
create index freezes_membership_idx on kotally.freezes (location_id, membership_id, starts_on);
create index freezes_start_idx on kotally.freezes (location_id, starts_at) where status = 'planned';
create index freezes_due_idx on kotally.freezes (location_id, resumes_at) where status in ('planned', 'running');

-- Days on which a location was closed: every lot of the time lives longer by them (S6.7). What it
-- moved is in `expiry_changes`; it can be undone once.
create table kotally.closures (
  location_id text collate "C" not null,
  id          uuid not null,
  starts_on   date not null,
  reopens_on  date not null,
  -- Only lots of these products; null is all.
  product_config_ids text[],
  note        text not null check (length(note) between 1 and 1000),
  lots        integer not null check (lots >= 0),
  -- The packs without lots that it moved: which, from when, to when.
  packs       jsonb not null default '[]' check (jsonb_typeof(packs) = 'array'),
  created_at  timestamptz not null,
  undone_at   timestamptz,
  primary key (location_id, id),
  constraint closures_have_length check (reopens_on > starts_on)
);

-- What a person has to look at, such as a charge that did not come when it was expected (S8.6).
create table kotally.work_items (
  location_id    text collate "C" not null,
  id             uuid not null,
  contact_id     uuid not null,
  entitlement_id uuid,
  kind           text not null check (kind in ('billing_drift', 'same_sale', 'strikes_reached')),
  details        jsonb not null default '{}',
  raised_at      timestamptz not null,
  outcome        text check (outcome in ('resolved', 'dismissed')),
  note           text check (length(note) between 1 and 1000),
  settled_by     text,
  settled_at     timestamptz,
  primary key (location_id, id),
  constraint work_items_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint work_items_settled_once check ((settled_at is null) = (outcome is null))
);
create index work_items_open_idx on kotally.work_items (location_id, id) where settled_at is null;
