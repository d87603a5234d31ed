-- The ledger. A location is a ledger: location_id leads every key.
-- Credits live in lots and move only by postings; a posting's entries each take an amount
-- from one bucket of a lot to another, so an unbalanced movement cannot be written down.
-- History (postings, entries, requests) is only ever added to: no role that runs has more.

create type kotally.bucket as enum (
  'issued', 'owed', 'available', 'held', 'consumed', 'penalty',
  'expired', 'forfeited', 'revoked', 'suspended', 'transferred');

-- What one column must be is a rule of its type: kept in memory and checked when a value is made.
-- A table's own rules are read anew by every statement that writes to it, so only those that
-- compare columns stand there.
create domain kotally.amount as bigint check (value between 0 and 1000000000000);
create domain kotally.moved_amount as bigint
  constraint moved_amount_check check (value between 1 and 1000000000000);
create domain kotally.positive as bigint constraint positive_check check (value > 0);
create domain kotally.natural as bigint constraint natural_check check (value >= 0);
create domain kotally.small_natural as smallint constraint small_natural_check check (value >= 0);
create domain kotally.line as smallint constraint line_check check (value > 0);
create domain kotally.width as integer constraint width_check check (value >= 0);
create domain kotally.digest as bytea constraint digest_check check (length(value) = 32);
create domain kotally.json_object as jsonb
  constraint json_object_check check (jsonb_typeof(value) = 'object');
create domain kotally.moment as timestamptz
  constraint moment_check check (value between '2000-01-01Z' and '2200-01-01Z');
create domain kotally.window_minutes as integer
  constraint window_minutes_check check (value between 0 and 525600);
create domain kotally.grace_days as integer constraint grace_days_check check (value between 0 and 3650);
create domain kotally.request_key as text collate "C"
  constraint request_key_check check (length(value) between 1 and 255);
create domain kotally.actor as text constraint actor_check check (length(value) between 1 and 255);
create domain kotally.source as text constraint source_check check (value in (
  'api', 'staff', 'member', 'sweep', 'cli', 'import', 'stripe', 'highlevel'));
create domain kotally.posting_kind as text constraint posting_kind_check check (value in (
  'grant', 'deduct', 'restore', 'expire', 'rollover', 'forfeit', 'refund', 'hold', 'release',
  'capture', 'penalty', 'adjust', 'transfer', 'freeze'));
create domain kotally.lot_class as text constraint lot_class_check check (value in (
  'paid', 'included', 'promo', 'goodwill', 'migration', 'rollover', 'restored', 'transfer', 'advance'));
create domain kotally.hold_status as text constraint hold_status_check check (value in (
  'held', 'captured', 'released', 'penalised', 'replaced'));

create domain kotally.reason as text not null check (value in (
  'purchase', 'renewal', 'booking', 'attended', 'partial_attendance',
  'cancelled_in_time', 'studio_cancelled', 'late_cancel', 'no_show', 'attendance_corrected',
  'rescheduled', 'hold_lapsed', 'released', 'waived',
  'expired', 'expiry_extended', 'rolled_over', 'not_rolled_over', 'bank_trimmed',
  'refund', 'refund_shortfall', 'dispute_opened', 'dispute_won', 'dispute_lost',
  'advance', 'debt_settled', 'written_off',
  'upgrade', 'plan_change', 'membership_ended', 'closure', 'freeze',
  'correction', 'goodwill', 'transferred_out', 'transferred_in', 'transfer_undone',
  'opening_balance', 'reversal'));

create table kotally.contacts (
  location_id text collate "C" not null
    constraint contacts_location_fkey references kotally.locations (id),
  id          uuid not null,
  external_id text collate "C" not null check (length(external_id) between 1 and 255),
  email       text,
  name        text,
  phone       text,
  created_at  timestamptz not null,
  primary key (location_id, id),
  constraint contacts_external_id_key unique (location_id, external_id)
);
create index contacts_email_idx on kotally.contacts (location_id, lower(email)) where email is not null;
create index contacts_phone_idx on kotally.contacts (location_id, regexp_replace(phone, '[^0-9]', '', 'g'))
  where phone is not null;

-- One row per contact: the mutex of everything that moves the contact's credits, the cached
-- sums of the contact's lots, and the head of the contact's hash chain.
create table kotally.balances (
  location_id text collate "C" not null,
  contact_id  uuid not null,
  seq         kotally.natural not null default 0,
  available   kotally.amount not null default 0,
  held        kotally.amount not null default 0,
  suspended   kotally.amount not null default 0,
  owed        kotally.amount not null default 0,
  head        kotally.digest not null default decode(repeat('00', 32), 'hex'),
  posted_at   timestamptz,
  primary key (location_id, contact_id),
  constraint balances_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id)
) with (fillfactor = 50);

create table kotally.lots (
  location_id       text collate "C" not null,
  id                uuid not null,
  contact_id        uuid not null,
  -- Where it came from, in words the ledger keeps but does not interpret.
  entitlement_id    uuid not null,
  product_config_id text collate "C" not null,
  product_version   integer not null,
  payment_id        uuid,
  period_number     integer,
  parent_lot_id     uuid,
  class             kotally.lot_class not null,
  -- Rules, copied at issue: changing or archiving a product strands nobody.
  priority          integer not null default 100,
  effective_at      timestamptz not null,
  expires_at        timestamptz,
  -- Where a freeze that is planned or running will move the expiry when it ends (S8.4).
  projected_expires_at timestamptz,
  -- Calendar id -> credits per unit; null pays for every calendar at one credit.
  coverage          kotally.json_object,
  coverage_width    kotally.width not null default 2147483647,
  cost_minor        kotally.amount not null default 0,
  currency          text,
  -- Millionths of a minor unit per credit: the free credit is spent before the paid one (S1.3).
  unit_cost         kotally.natural not null default 0,
  cancel_window_minutes kotally.window_minutes,
  restore_grace_days    kotally.grace_days not null default 7,
  roll_count        kotally.small_natural not null default 0,
  rules             kotally.json_object not null default '{}',
  issued_at         timestamptz not null,
  -- Buckets. `issued` and `owed` are the negative sides, kept as positive figures.
  issued            kotally.amount not null default 0,
  owed              kotally.amount not null default 0,
  available         kotally.amount not null default 0,
  held              kotally.amount not null default 0,
  consumed          kotally.amount not null default 0,
  penalty           kotally.amount not null default 0,
  expired           kotally.amount not null default 0,
  forfeited         kotally.amount not null default 0,
  revoked           kotally.amount not null default 0,
  suspended         kotally.amount not null default 0,
  transferred       kotally.amount not null default 0,
  is_open           boolean not null default false,
  primary key (location_id, id),
  constraint lots_of_contact_key unique (location_id, contact_id, id),
  constraint lots_balance_fkey
    foreign key (location_id, contact_id) references kotally.balances (location_id, contact_id),
  constraint lots_parent_fkey
    foreign key (location_id, parent_lot_id) references kotally.lots (location_id, id),
  constraint lots_buckets_sum_to_zero check (
    issued + owed = available + held + consumed + penalty + expired + forfeited + revoked
                    + suspended + transferred),
  constraint lots_debt_is_an_advance check (owed = 0 or class = 'advance'),
  constraint lots_open_while_something_is_left check (
    is_open = (available > 0 or held > 0 or suspended > 0 or owed > 0))
) with (fillfactor = 70);
-- Partial, so that a contact's thousands of spent lots cost a deduction nothing; the flag
-- changes only with the last credit, which keeps the other updates off the indexes.
create index lots_open_idx on kotally.lots (location_id, contact_id) where is_open;
create index lots_due_idx on kotally.lots (location_id, expires_at) where is_open and expires_at is not null;
create index lots_entitlement_idx on kotally.lots (location_id, entitlement_id);

-- No key to balances: the contact's row is locked and updated by the same function, and every
-- entry is tied to a lot of that contact.
create table kotally.postings (
  location_id    text collate "C" not null,
  contact_id     uuid not null,
  seq            kotally.positive not null,
  id             uuid not null,
  kind           kotally.posting_kind not null,
  reason         kotally.reason not null,
  source         kotally.source not null,
  actor          kotally.actor not null,
  request_id     kotally.request_key not null,
  part           kotally.small_natural not null default 0,
  correlation_id uuid not null,
  effective_at   kotally.moment not null,
  recorded_at    timestamptz not null,
  -- The contact's view: what it did to the credits that can be spent, and what was left.
  amount         bigint not null,
  available_after kotally.amount not null,
  held_after     kotally.amount not null,
  external_ref   text collate "C",
  hold_id        uuid,
  -- The earlier posting that this one settles, gives back or reverses.
  refers_to      bigint,
  metadata       json,
  chain          kotally.digest not null,
  primary key (location_id, contact_id, seq),
  constraint postings_request_key unique (location_id, source, request_id, part),
  constraint postings_refers_to_fkey
    foreign key (location_id, contact_id, refers_to)
    references kotally.postings (location_id, contact_id, seq),
  constraint postings_refer_to_the_past check (refers_to < seq)
);
create index postings_refers_to_idx on kotally.postings (location_id, contact_id, refers_to)
  where refers_to is not null;
-- A location's ledger by time. All postings are in it: the condition keeps every other statement
-- off it, which without statistics would take it for as good as the primary key.
create index postings_recorded_idx on kotally.postings (location_id, recorded_at)
  where recorded_at > '-infinity';

create table kotally.entries (
  location_id text collate "C" not null,
  contact_id  uuid not null,
  seq         bigint not null,
  line        kotally.line not null,
  lot_id      uuid not null,
  from_bucket kotally.bucket not null,
  to_bucket   kotally.bucket not null,
  amount      kotally.moved_amount not null,
  primary key (location_id, contact_id, seq, line),
  constraint entries_posting_fkey
    foreign key (location_id, contact_id, seq)
    references kotally.postings (location_id, contact_id, seq),
  constraint entries_lot_fkey
    foreign key (location_id, contact_id, lot_id)
    references kotally.lots (location_id, contact_id, id),
  constraint entries_move_somewhere check (from_bucket <> to_bucket),
  -- Nothing comes out of nowhere but by being issued or owed.
  constraint entries_known_movement check (
    (from_bucket = 'issued' and to_bucket in ('available', 'owed'))
    or (from_bucket = 'owed' and to_bucket in ('held', 'consumed', 'penalty', 'issued'))
    or (from_bucket = 'available' and to_bucket not in ('owed'))
    or (from_bucket = 'held' and to_bucket not in ('issued'))
    or (from_bucket in ('consumed', 'penalty'))
    or (from_bucket in ('expired', 'forfeited') and to_bucket in ('available', 'revoked', 'transferred', 'consumed'))
    or (from_bucket = 'revoked' and to_bucket in ('available', 'held', 'expired', 'consumed', 'penalty'))
    or (from_bucket = 'suspended' and to_bucket in ('available', 'held', 'revoked', 'expired', 'consumed'))
    or (from_bucket = 'transferred' and to_bucket in ('available')))
);

-- What a booking took. A deduction is a hold that was captured at once (S2.6).
create table kotally.holds (
  location_id       text collate "C" not null,
  id                uuid not null,
  contact_id        uuid not null,
  external_ref      text collate "C",
  product_config_id text collate "C",
  calendar_id       text collate "C",
  units             kotally.positive not null,
  -- Nothing when an unlimited plan paid (S1.2).
  amount            kotally.amount not null,
  captured          kotally.amount not null default 0,
  released          kotally.amount not null default 0,
  penalised         kotally.amount not null default 0,
  returned          kotally.amount not null default 0,
  status            kotally.hold_status not null,
  -- True while some of it has not been given back: then its booking cannot be taken twice.
  is_live           boolean not null,
  appointment_at    timestamptz,
  appointment_ends_at timestamptz,
  lapses_at         timestamptz,
  cancel_window_minutes integer not null,
  placed_seq        bigint,
  placed_at         timestamptz not null,
  closed_at         timestamptz,
  -- The plan that paid and whose caps count it; null when it limits nothing (S3.3).
  entitlement_id    uuid,
  -- Somebody else comes on the contact's credits: kotally.shared_uses says who (S12.4).
  is_lent           boolean not null,
  primary key (location_id, id),
  constraint holds_end_once check (captured + released + penalised <= amount),
  constraint holds_give_back_what_was_taken check (returned <= captured + penalised),
  constraint holds_closed_are_settled check (
    (status = 'held') = (closed_at is null)
    and (status = 'held' or captured + released + penalised = amount)),
  constraint holds_live_while_something_is_kept check (
    amount = 0 or is_live = (released + returned < amount)),
  constraint holds_of_credits_are_posted check (placed_seq is not null or amount = 0)
) with (fillfactor = 80);
create index holds_contact_idx on kotally.holds (location_id, contact_id, id);
-- A contact's bookings by the time they are for; what is not for a time is for now.
create index holds_appointment_idx
  on kotally.holds (location_id, contact_id, (coalesce(appointment_at, placed_at)), id)
  where external_ref is not null or appointment_at is not null or is_lent;
create index holds_plan_idx
  on kotally.holds (location_id, entitlement_id, (coalesce(appointment_at, placed_at)))
  where entitlement_id is not null and is_live;
create index holds_free_idx on kotally.holds (location_id, contact_id, placed_at, id)
  where placed_seq is null;
create index holds_open_idx on kotally.holds (location_id, contact_id) where status = 'held';
-- Led by the booking, so that a batch looks all of its bookings up at once.
create unique index holds_booking_key on kotally.holds (location_id, external_ref, contact_id)
  where external_ref is not null and is_live;
create index holds_lapse_idx on kotally.holds (location_id, lapses_at)
  where status = 'held' and lapses_at is not null;

-- One row per request that decided something: the idempotency key, the canonical body's digest
-- and the answer. Refusals are kept too; they do not burn the natural key (S15.4).
create table kotally.requests (
  location_id    text collate "C" not null,
  source         text not null,
  request_id     kotally.request_key not null,
  operation      text not null,
  request_hash   kotally.digest not null,
  body           json not null,
  code           text not null,
  answer         json not null,
  contact_id     uuid,
  correlation_id uuid not null,
  recorded_at    timestamptz not null,
  primary key (location_id, source, request_id)
);

-- Why something may not be used for a time (S0). Removing one never removes another.
create table kotally.blockers (
  location_id    text collate "C" not null,
  id             uuid not null,
  contact_id     uuid not null,
  entitlement_id uuid,
  lot_id         uuid,
  kind           text not null check (kind in ('freeze', 'past_due', 'penalty', 'admin', 'workspace_billing')),
  starts_at      timestamptz not null,
  ends_at        timestamptz,
  source         text not null,
  message        text not null,
  created_at     timestamptz not null,
  primary key (location_id, id),
  constraint blockers_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint blockers_end_after_start check (ends_at is null or ends_at >= starts_at)
);
create index blockers_contact_idx on kotally.blockers (location_id, contact_id);

-- Heads of all chains at one time; the root, kept elsewhere, shows a later cut or rewrite.
create table kotally.seals (
  location_id text collate "C" not null,
  number      bigint not null check (number > 0),
  sealed_at   timestamptz not null,
  contacts    bigint not null,
  postings    bigint not null,
  root        bytea not null check (length(root) = 32),
  previous    bytea check (length(previous) = 32),
  primary key (location_id, number)
);
