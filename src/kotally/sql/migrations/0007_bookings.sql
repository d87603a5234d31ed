-- Bookings: a contact's place in an appointment, and what became of it (S2 to S5).

create table kotally.bookings (
  location_id        text collate "C" not null,
  id                 uuid not null,
  contact_id         uuid not null,
  external_ref       text collate "C" not null check (length(external_ref) between 1 and 255),
  class_ref          text collate "C" check (length(class_ref) between 1 and 255),
  product_config_id  text collate "C",
  calendar_id        text collate "C",
  units              bigint not null check (units > 0),
  -- The plan whose rules apply; a provisional booking waits for its next period.
  entitlement_id     uuid,
  credits            kotally.amount not null default 0,
  mode               text not null default 'hold' check (mode in ('hold', 'booking', 'attendance')),
  -- The attendance rules of the product, copied when it was booked (S2.1).
  terms              jsonb not null default '{}' check (jsonb_typeof(terms) = 'object'),
  cancel_window_minutes integer not null check (cancel_window_minutes between 0 and 525600),
  starts_at          timestamptz not null,
  -- The start it had before it was moved inside its late window (S4.1).
  original_starts_at timestamptz,
  ends_at            timestamptz not null,
  status             text not null check (status in (
    'waitlisted', 'provisional', 'unfunded', 'booked', 'attended', 'late_cancelled', 'no_show',
    'cancelled', 'studio_cancelled')),
  -- Why it is where it is: why it was passed over on the waiting list, or lost its funds.
  note               text,
  hold_id            uuid,
  -- Who comes, when it is not the contact whose credits pay; and who asked for it (S12.4, S12.5).
  beneficiary_id     uuid,
  booked_by          text check (length(booked_by) between 1 and 255),
  is_guest           boolean not null default false,
  -- The lots that staff named for it, in that order, and why (S1.6).
  lots               uuid[] not null default '{}',
  lots_reason        text check (length(lots_reason) between 1 and 1000),
  -- When the absence was reported; it is posted at closes_at so that staff can correct it (S5.2).
  absence_reported_at timestamptz,
  -- When it settles by itself (S2.4).
  closes_at          timestamptz,
  settled_at         timestamptz,
  created_at         timestamptz not null,
  primary key (location_id, id),
  constraint bookings_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint bookings_beneficiary_fkey
    foreign key (location_id, beneficiary_id) references kotally.contacts (location_id, id),
  constraint bookings_for_another check (beneficiary_id <> contact_id),
  constraint bookings_guest_is_another check (beneficiary_id is not null or not is_guest),
  constraint bookings_for_another_by_somebody check (beneficiary_id is null or booked_by is not null),
  constraint bookings_end_after_start check (ends_at >= starts_at)
);
create index bookings_beneficiary_idx on kotally.bookings (location_id, beneficiary_id, starts_at)
  where beneficiary_id is not null;
create index bookings_contact_idx on kotally.bookings (location_id, contact_id, starts_at);
-- A reference means one booking of a contact until that is cancelled.
create unique index bookings_reference_key on kotally.bookings (location_id, contact_id, external_ref)
  where status not in ('cancelled', 'late_cancelled', 'studio_cancelled');
create index bookings_class_idx on kotally.bookings (location_id, class_ref, created_at)
  where class_ref is not null;
create index bookings_waiting_idx on kotally.bookings (location_id, contact_id, starts_at)
  where status in ('unfunded', 'provisional');
create index bookings_hold_idx on kotally.bookings (location_id, hold_id) where hold_id is not null;
create index bookings_without_hold_idx on kotally.bookings (location_id, contact_id, starts_at, id)
  where hold_id is null;
create index bookings_due_idx on kotally.bookings (location_id, closes_at) where closes_at is not null;
-- What is due of one contact, when somebody asks before the worker has come.
create index bookings_contact_due_idx on kotally.bookings (location_id, contact_id, closes_at)
  where closes_at is not null;
create index bookings_beneficiary_due_idx on kotally.bookings (location_id, beneficiary_id, closes_at)
  where closes_at is not null and beneficiary_id is not null;

-- A late cancellation or an absence that counts against a person (S5.4).
create table kotally.strikes (
  location_id text collate "C" not null,
  id          uuid not null,
  contact_id  uuid not null,
  booking_id  uuid not null,
  kind        text not null check (kind in ('late_cancel', 'no_show')),
  class_at    timestamptz not null,
  -- Within the free allowance of its window: recorded, and told, but without a fee.
  is_forgiven boolean not null,
  created_at  timestamptz not null,
  reversed_at timestamptz,
  primary key (location_id, id),
  constraint strikes_booking_fkey
    foreign key (location_id, booking_id) references kotally.bookings (location_id, id)
);
create index strikes_contact_idx on kotally.strikes (location_id, contact_id, kind, class_at)
  where reversed_at is null;
create index strikes_booking_idx on kotally.strikes (location_id, booking_id);

-- Money that is owed to the studio; we never charge a card (S5.6).
create table kotally.fees (
  location_id  text collate "C" not null,
  id           uuid not null,
  contact_id   uuid not null,
  booking_id   uuid,
  entitlement_id uuid,
  reason       text not null check (reason in ('late_cancel', 'no_show', 'strikes', 'freeze')),
  amount_cents kotally.amount not null check (amount_cents > 0),
  status       text not null default 'due' check (status in ('due', 'paid', 'waived', 'written_off')),
  created_at   timestamptz not null,
  settled_at   timestamptz,
  settled_by   text,
  note         text,
  primary key (location_id, id),
  constraint fees_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint fees_settled_once check ((status = 'due') = (settled_at is null))
);
create index fees_contact_idx on kotally.fees (location_id, contact_id, id);
create index fees_booking_idx on kotally.fees (location_id, booking_id) where booking_id is not null;

-- What followed when strikes reached a threshold; once per crossing (S5.5).
create table kotally.penalties (
  location_id text collate "C" not null,
  id          uuid not null,
  contact_id  uuid not null,
  strike_id   uuid not null,
  kind        text not null check (kind in ('late_cancel', 'no_show')),
  action      text not null check (action in ('block', 'fee', 'review')),
  threshold   integer not null check (threshold > 0),
  blocker_id  uuid,
  fee_id      uuid,
  created_at  timestamptz not null,
  lifted_at   timestamptz,
  primary key (location_id, id),
  constraint penalties_strike_fkey
    foreign key (location_id, strike_id) references kotally.strikes (location_id, id)
);
create index penalties_contact_idx on kotally.penalties (location_id, contact_id) where lifted_at is null;

-- A class that the studio cancelled, with what each booking was: the batch can be undone once (S4.7).
create table kotally.class_cancellations (
  location_id  text collate "C" not null,
  id           uuid not null,
  class_ref    text collate "C" not null,
  bookings     jsonb not null,
  cancelled_at timestamptz not null,
  undone_at    timestamptz,
  primary key (location_id, id)
);
create index class_cancellations_class_idx on kotally.class_cancellations (location_id, class_ref, id);
