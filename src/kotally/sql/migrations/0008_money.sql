-- What comes after a payment: refunds, disputes, corrections and what staff must approve (S10, S12).

-- The rest of a payment's tally (S10.1); `credits_revoked` is how much has been taken back so far.
alter table kotally.payments
  -- Of that, what nothing was left for: written off, or the reason for a block (S10.4).
  add column credits_uncollected kotally.amount not null default 0,
  -- All its money went back, and so did what it bought (S10.7); also when nobody told a figure.
  add column is_undone boolean not null default false,
  -- While a dispute is open its credits are suspended, and so is what comes back to them (S10.6).
  add column is_disputed boolean not null default false,
  add constraint payments_uncollected_of_revoked check (credits_uncollected <= credits_revoked);
create index payments_entitlement_idx on kotally.payments (location_id, entitlement_id);

-- Each event that changed a payment's tally, in the order in which we learned of it.
create table kotally.refunds (
  location_id    text collate "C" not null,
  id             uuid not null,
  payment_id     uuid not null,
  kind           text not null check (kind in ('refund', 'dispute_opened', 'dispute_won', 'dispute_lost')),
  -- The provider's id of this one refund, which then counts once.
  external_ref   text collate "C" check (length(external_ref) between 1 and 255),
  -- This refund alone; null when the provider told its cumulative figure instead.
  amount_cents   kotally.amount,
  -- The tally after it (S10.1), so that repeats and other orders come to the same (S10.2).
  refunded_cents kotally.amount not null,
  credits_revoked kotally.amount not null,
  shortfall      kotally.amount not null default 0,
  source         text not null,
  actor          text not null,
  correlation_id uuid not null,
  recorded_at    timestamptz not null,
  primary key (location_id, id),
  constraint refunds_payment_fkey
    foreign key (location_id, payment_id) references kotally.payments (location_id, id)
);
create index refunds_payment_idx on kotally.refunds (location_id, payment_id);
create unique index refunds_reference_key on kotally.refunds (location_id, payment_id, external_ref)
  where external_ref is not null and kind = 'refund';

-- A dispute is opened and decided once, in whatever order the news of it come (S10.6).
create table kotally.disputes (
  location_id  text collate "C" not null,
  id           uuid not null,
  payment_id   uuid not null,
  contact_id   uuid not null,
  external_ref text collate "C" not null check (length(external_ref) between 1 and 255),
  status       text not null check (status in ('open', 'won', 'lost')),
  opened_at    timestamptz,
  -- Until when the bookings it took the credits from stand without funds; then they are cancelled.
  releases_at  timestamptz,
  decided_at   timestamptz,
  -- The holds it took the credits from, with their slices: they are held again if it is won.
  holds        jsonb not null default '[]' check (jsonb_typeof(holds) = 'array'),
  primary key (location_id, id),
  constraint disputes_payment_fkey
    foreign key (location_id, payment_id) references kotally.payments (location_id, id),
  constraint disputes_reference_key unique (location_id, payment_id, external_ref),
  constraint disputes_decided_once check ((status = 'open') = (decided_at is null)),
  constraint disputes_release_while_open check (releases_at is null or status = 'open')
);
create index disputes_due_idx on kotally.disputes (location_id, releases_at) where releases_at is not null;
create index disputes_contact_due_idx on kotally.disputes (location_id, contact_id, releases_at)
  where releases_at is not null;

-- A correction by hand, for the limits of who makes it (S12.1, S12.2).
create table kotally.adjustments (
  location_id text collate "C" not null,
  id          uuid not null,
  contact_id  uuid not null,
  amount      bigint not null check (amount <> 0),
  reason      kotally.reason not null,
  note        text not null check (length(note) between 1 and 1000),
  made_by     text not null,
  made_on     date not null,
  approval_id uuid,
  lot_id      uuid,
  made_at     timestamptz not null,
  primary key (location_id, id),
  constraint adjustments_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id)
);
create index adjustments_day_idx on kotally.adjustments (location_id, made_by, made_on);

-- What waits for another person's word; it has no effect on the ledger until then (S12.2).
create table kotally.approvals (
  location_id  text collate "C" not null,
  id           uuid not null,
  operation    text not null check (operation in ('adjustment')),
  contact_id   uuid not null,
  body         jsonb not null,
  requested_by text not null,
  requested_at timestamptz not null,
  lapses_at    timestamptz not null,
  status       text not null check (status in ('pending', 'approved', 'rejected', 'lapsed')),
  decided_by   text,
  decided_at   timestamptz,
  note         text,
  primary key (location_id, id),
  constraint approvals_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint approvals_decided_once check ((status = 'pending') = (decided_at is null)),
  constraint approvals_need_another_person check (decided_by <> requested_by or status = 'rejected')
);
create index approvals_due_idx on kotally.approvals (location_id, lapses_at) where status = 'pending';

-- Credits that one contact gave to another: which lots became which (S12.3).
create table kotally.transfers (
  location_id   text collate "C" not null,
  id            uuid not null,
  from_contact_id uuid not null,
  to_contact_id uuid not null,
  amount        kotally.amount not null check (amount > 0),
  made_at       timestamptz not null,
  undone_at     timestamptz,
  primary key (location_id, id),
  constraint transfers_from_fkey
    foreign key (location_id, from_contact_id) references kotally.contacts (location_id, id),
  constraint transfers_to_fkey
    foreign key (location_id, to_contact_id) references kotally.contacts (location_id, id),
  constraint transfers_go_to_another check (from_contact_id <> to_contact_id)
);
create table kotally.transferred_lots (
  location_id text collate "C" not null,
  transfer_id uuid not null,
  lot_id      uuid not null,
  child_id    uuid not null,
  -- The purchase they come from, whose refund follows them.
  payment_id  uuid,
  entitlement_id uuid not null,
  amount      kotally.amount not null check (amount > 0),
  primary key (location_id, transfer_id, lot_id),
  constraint transferred_lots_transfer_fkey
    foreign key (location_id, transfer_id) references kotally.transfers (location_id, id),
  constraint transferred_lots_child_fkey
    foreign key (location_id, child_id) references kotally.lots (location_id, id)
);
create index transferred_lots_payment_idx on kotally.transferred_lots (location_id, payment_id)
  where payment_id is not null;

-- Who may use the credits of another (S12.4): of one entitlement, or of all that can be shared.
create table kotally.shares (
  location_id    text collate "C" not null,
  id             uuid not null,
  owner_id       uuid not null,
  user_id        uuid not null,
  entitlement_id uuid,
  since          timestamptz not null,
  until          timestamptz,
  primary key (location_id, id),
  constraint shares_owner_fkey
    foreign key (location_id, owner_id) references kotally.contacts (location_id, id),
  constraint shares_user_fkey
    foreign key (location_id, user_id) references kotally.contacts (location_id, id),
  constraint shares_go_to_another check (owner_id <> user_id)
);
-- One right at a time: to one entitlement, or to all.
create unique index shares_active_key on kotally.shares (location_id, owner_id, user_id, entitlement_id)
  nulls not distinct where until is null;
create index shares_user_idx on kotally.shares (location_id, user_id) where until is null;

-- A use by somebody else than the owner of the credits: for whom, and who booked it (S12.4, S12.5).
create table kotally.shared_uses (
  location_id    text collate "C" not null,
  hold_id        uuid not null,
  owner_id       uuid not null,
  beneficiary_id uuid not null,
  booked_by      text not null,
  entitlement_id uuid not null,
  is_guest       boolean not null,
  used_at        timestamptz not null,
  primary key (location_id, hold_id),
  constraint shared_uses_hold_fkey
    foreign key (location_id, hold_id) references kotally.holds (location_id, id),
  constraint shared_uses_owner_fkey
    foreign key (location_id, owner_id) references kotally.contacts (location_id, id),
  constraint shared_uses_beneficiary_fkey
    foreign key (location_id, beneficiary_id) references kotally.contacts (location_id, id),
  constraint shared_uses_for_another check (owner_id <> beneficiary_id)
);
create index shared_uses_beneficiary_idx on kotally.shared_uses (location_id, beneficiary_id, used_at);
