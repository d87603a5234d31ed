-- What happens to a contact beside movements of credits.

-- The contact's story in facts: a freeze planned, a membership cancelled, a class moved.
-- Movements are not repeated here; the timeline shows both.
create table kotally.happenings (
  location_id    text collate "C" not null,
  id             uuid not null,
  contact_id     uuid not null,
  type           text not null check (type ~ '^[a-z]+(_[a-z]+)*$'),
  at             timestamptz not null,
  entitlement_id uuid,
  details        json not null,
  source         text not null,
  actor          text not null,
  correlation_id uuid not null,
  recorded_at    timestamptz not null,
  primary key (location_id, id),
  constraint happenings_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id)
);
create index happenings_contact_idx on kotally.happenings (location_id, contact_id, id);

-- Each time a lot's expiry was moved, and why (S6.7, S8.4). Only ever added to.
create table kotally.expiry_changes (
  location_id    text collate "C" not null,
  id             uuid not null,
  contact_id     uuid not null,
  lot_id         uuid not null,
  from_at        timestamptz,
  to_at          timestamptz,
  reason         kotally.reason not null,
  -- The freeze or closure that moved it.
  cause_id       uuid,
  source         text not null,
  actor          text not null,
  correlation_id uuid not null,
  recorded_at    timestamptz not null,
  primary key (location_id, id),
  constraint expiry_changes_lot_fkey
    foreign key (location_id, contact_id, lot_id)
    references kotally.lots (location_id, contact_id, id)
);
create index expiry_changes_lot_idx on kotally.expiry_changes (location_id, lot_id);

-- A change of a membership that was asked for and has not taken effect (S9.3 to S9.8).
create table kotally.membership_changes (
  location_id       text collate "C" not null,
  id                uuid not null,
  membership_id     uuid not null,
  contact_id        uuid not null,
  kind              text not null check (kind in ('upgrade', 'downgrade', 'cancel', 'migrate')),
  to_product_config_id text collate "C",
  to_version        integer,
  strategy          text check (strategy in ('difference', 'reset', 'usage')),
  status            text not null check (status in (
    'pending', 'pending_payment', 'applied', 'dropped', 'replaced')),
  effective_at      timestamptz not null,
  details           jsonb not null default '{}',
  requested_at      timestamptz not null,
  decided_at        timestamptz,
  primary key (location_id, id),
  constraint membership_changes_membership_fkey
    foreign key (location_id, membership_id) references kotally.memberships (location_id, id),
  constraint membership_changes_decided_once check (
    (status in ('pending', 'pending_payment')) = (decided_at is null))
);
-- A newer change replaces the one that is waiting (S9.5).
create unique index membership_changes_waiting_key on kotally.membership_changes (location_id, membership_id)
  where decided_at is null;
create index membership_changes_due_idx on kotally.membership_changes (location_id, effective_at)
  where status = 'pending' and kind = 'cancel';  -- the others take effect with their period

-- What a membership has to know once its periods turn by themselves (S9.2, S11).
alter table kotally.memberships
  -- The period that begins on `anchor_on`: a reset or a shifted period starts the count anew there.
  add column anchor_number integer not null default 1 check (anchor_number > 0),
  -- The last period that is confirmed; beyond `period_number` when it was paid ahead.
  add column paid_number integer not null default 1,
  -- The instalment of the period that was granted last, when credits come in parts.
  add column instalment integer not null default 1 check (instalment > 0),
  -- Its next period needs no payment.
  add column renews_itself boolean not null default false,
  add constraint memberships_paid_to_the_period check (paid_number >= period_number);

-- The later instalments of a period whose credits come in parts: paid by the year, granted by the
-- month. The first one is the period's own lot. Each is granted once.
create table kotally.instalments (
  location_id   text collate "C" not null,
  membership_id uuid not null,
  period_number integer not null check (period_number > 0),
  number        integer not null check (number > 1),
  starts_at     timestamptz not null,
  ends_at       timestamptz not null,
  lot_id        uuid,
  granted_at    timestamptz not null,
  primary key (location_id, membership_id, period_number, number),
  constraint instalments_membership_fkey
    foreign key (location_id, membership_id) references kotally.memberships (location_id, id),
  constraint instalments_have_length check (ends_at > starts_at)
);

-- What became of a lot when its period ended (S7): a lot rolls over once. What is released later
-- counts as if it had been available then, as far as the limits had room left (S7.6).
create table kotally.rolls (
  location_id   text collate "C" not null,
  lot_id        uuid not null,
  contact_id    uuid not null,
  membership_id uuid not null,
  boundary_at   timestamptz not null,
  base          kotally.amount not null,
  rolled        kotally.amount not null,
  percent       integer not null check (percent between 0 and 100),
  -- How much more would have rolled; null is without a limit.
  room          kotally.amount,
  late          kotally.amount not null default 0,
  -- When the rolled credits of this lot expire.
  expires_at    timestamptz,
  rolled_at     timestamptz not null,
  primary key (location_id, lot_id),
  constraint rolls_lot_fkey
    foreign key (location_id, contact_id, lot_id)
    references kotally.lots (location_id, contact_id, id),
  constraint rolls_membership_fkey
    foreign key (location_id, membership_id) references kotally.memberships (location_id, id),
  constraint rolls_no_more_than_there_was check (rolled <= base)
);
