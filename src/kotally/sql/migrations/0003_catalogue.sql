-- What is sold, what a contact holds of it, and what was paid for it.

create table kotally.products (
  location_id text collate "C" not null
    constraint products_location_fkey references kotally.locations (id),
  id          text collate "C" not null check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  type        text not null check (type in ('package', 'membership')),
  status      text not null default 'active' check (status in ('active', 'archived')),
  version     integer not null default 1 check (version > 0),
  created_at  timestamptz not null,
  primary key (location_id, id)
);

-- A version never changes; an edit makes the next one and touches nobody (S9.8).
create table kotally.product_versions (
  location_id text collate "C" not null,
  product_id  text collate "C" not null,
  version     integer not null check (version > 0),
  name        text not null check (length(name) between 1 and 200),
  credits     bigint not null check (credits between 0 and 1000000),
  expiry_days integer check (expiry_days between 0 and 36500),
  coverage    jsonb check (jsonb_typeof(coverage) = 'object'),
  rules       jsonb not null default '{}' check (jsonb_typeof(rules) = 'object'),
  created_at  timestamptz not null,
  primary key (location_id, product_id, version),
  constraint product_versions_product_fkey
    foreign key (location_id, product_id) references kotally.products (location_id, id)
);

create table kotally.payments (
  location_id         text collate "C" not null,
  id                  uuid not null,
  contact_id          uuid not null,
  provider            text collate "C" not null check (length(provider) between 1 and 64),
  external_payment_id text collate "C" not null check (length(external_payment_id) between 1 and 255),
  event_type          text not null check (length(event_type) between 1 and 64),
  product_config_id   text collate "C" not null,
  entitlement_id      uuid not null,
  amount_cents        kotally.amount,
  currency            text check (currency ~ '^[A-Z]{3}$'),
  paid_at             timestamptz not null,
  external_ref        text collate "C",
  -- The provider's name of the means of payment, by which a person is known again (B4).
  payment_fingerprint text collate "C" check (length(payment_fingerprint) between 1 and 255),
  metadata            json,
  credits_granted     kotally.amount not null,
  credits_revoked     kotally.amount not null default 0,
  refunded_cents      kotally.amount not null default 0,
  recorded_at         timestamptz not null,
  primary key (location_id, id),
  constraint payments_reference_key unique (location_id, provider, external_payment_id),
  constraint payments_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint payments_revoke_what_was_granted check (credits_revoked <= credits_granted)
);
create index payments_contact_idx on kotally.payments (location_id, contact_id, recorded_at, id);
create index payments_fingerprint_idx on kotally.payments (location_id, payment_fingerprint)
  where payment_fingerprint is not null;

-- The same sale as told by somebody else: another provider's id of a payment that is known (S9.1).
create table kotally.payment_reports (
  location_id         text collate "C" not null,
  provider            text collate "C" not null check (length(provider) between 1 and 64),
  external_payment_id text collate "C" not null check (length(external_payment_id) between 1 and 255),
  payment_id          uuid not null,
  -- What told that it is the same sale.
  matched_by          text not null check (matched_by in ('reference', 'period', 'closeness')),
  recorded_at         timestamptz not null,
  primary key (location_id, provider, external_payment_id),
  constraint payment_reports_payment_fkey
    foreign key (location_id, payment_id) references kotally.payments (location_id, id)
);
create index payment_reports_payment_idx on kotally.payment_reports (location_id, payment_id);

create table kotally.entitlements (
  location_id       text collate "C" not null,
  id                uuid not null,
  contact_id        uuid not null,
  product_config_id text collate "C" not null,
  product_version   integer not null,
  type              text not null check (type in ('package', 'membership')),
  starts_at         timestamptz not null,
  ends_at           timestamptz,
  end_reason        text,
  -- Where a freeze that covers a pack without lots will move its end (S8.4).
  projected_ends_at timestamptz,
  -- Whether its version is unlimited or has caps (kotally.is_ruled): the rest is spared the look.
  is_ruled          boolean not null default false,
  created_at        timestamptz not null,
  primary key (location_id, id),
  constraint entitlements_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint entitlements_product_fkey
    foreign key (location_id, product_config_id, product_version)
    references kotally.product_versions (location_id, product_id, version)
);
create index entitlements_contact_idx on kotally.entitlements (location_id, contact_id, id);
create index entitlements_ruled_idx on kotally.entitlements (location_id, contact_id) where is_ruled;

-- The recurring kind of entitlement. Bounds are pure calendar arithmetic from the anchor (S9.2).
create table kotally.memberships (
  location_id       text collate "C" not null,
  id                uuid not null,
  contact_id        uuid not null,
  product_config_id text collate "C" not null,
  status            text not null check (status in ('active', 'past_due', 'ended')),
  anchor_on         date not null,
  period_number     integer not null check (period_number > 0),
  period_starts_at  timestamptz not null,
  period_ends_at    timestamptz not null,
  -- When the membership has to be looked at next: its period turns, or its payment is overdue.
  renews_at         timestamptz,
  past_due_since    timestamptz,
  -- When a cancellation takes effect; the membership can be kept until then (S9.7).
  ends_at           timestamptz,
  minimum_until     timestamptz,
  expected_next_charge_at timestamptz,
  primary key (location_id, id),
  constraint memberships_entitlement_fkey
    foreign key (location_id, id) references kotally.entitlements (location_id, id),
  constraint memberships_period_has_length check (period_ends_at > period_starts_at)
);
create unique index memberships_running_key on kotally.memberships (location_id, contact_id, product_config_id)
  where status <> 'ended';
create index memberships_due_idx on kotally.memberships (location_id, renews_at) where renews_at is not null;

-- A period is granted once, whoever reports it (S9.1).
create table kotally.periods (
  location_id   text collate "C" not null,
  membership_id uuid not null,
  number        integer not null check (number > 0),
  starts_at     timestamptz not null,
  ends_at       timestamptz not null,
  payment_id    uuid,
  lot_id        uuid,
  granted_at    timestamptz not null,
  primary key (location_id, membership_id, number),
  constraint periods_membership_fkey
    foreign key (location_id, membership_id) references kotally.memberships (location_id, id),
  constraint periods_have_length check (ends_at > starts_at)
);
