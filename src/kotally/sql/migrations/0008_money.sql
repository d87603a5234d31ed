-- What comes after a payment: refunds, disputes, corrections and what staff must approve (S10, S12).

create table kotally.refunds (
  location_id    text collate "C" not null,
  id             uuid not null,
  payment_id     uuid not null,
  kind           text not null check (kind in ('refund', 'dispute_opened', 'dispute_won', 'dispute_lost')),
  -- The provider's cumulative figure, so that repeats and other orders come to the same (S10.2).
  refunded_cents kotally.amount not null,
  credits_revoked kotally.amount not null,
  shortfall      kotally.amount not null default 0,
  external_ref   text collate "C",
  recorded_at    timestamptz not null,
  primary key (location_id, id),
  constraint refunds_payment_fkey
    foreign key (location_id, payment_id) references kotally.payments (location_id, id)
);
create index refunds_payment_idx on kotally.refunds (location_id, payment_id);
