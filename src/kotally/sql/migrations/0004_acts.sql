-- The shapes in which work enters and leaves the kernel.

-- One thing a caller wants done; `args` holds what only some operations need, as JSON.
create type kotally.act as (
  operation           text,
  id                  uuid,
  request_id          text,
  request_hash        bytea,
  body                text,
  correlation_id      uuid,
  source              text,
  actor               text,
  external_contact_id text,
  product_config_id   text,
  calendar_id         text,
  amount              bigint,
  appointment_at      timestamptz,
  external_ref        text,
  hold_id             uuid,
  args                text
);

-- What came of it: `answer` is the business part of the answer, kept and repeated to the letter.
create type kotally.outcome as (
  ord            integer,
  code           text,
  replayed       boolean,
  correlation_id uuid,
  answer         text
);

create type kotally.new_entry as (
  lot_id      uuid,
  from_bucket kotally.bucket,
  to_bucket   kotally.bucket,
  amount      bigint
);

create type kotally.new_posting as (
  contact_id     uuid,
  id             uuid,
  kind           text,
  reason         text,
  source         text,
  actor          text,
  request_id     text,
  part           smallint,
  correlation_id uuid,
  effective_at   timestamptz,
  external_ref   text,
  hold_id        uuid,
  refers_to      bigint,
  metadata       json,
  entries        kotally.new_entry[]
);

-- A part of a deduction that one lot pays; `place` is the lot's place in the burn order.
create type kotally.slice as (
  place          integer,
  lot_id         uuid,
  entitlement_id uuid,
  amount         bigint
);

-- How a request would be paid for: the same value for check, explain, preview and commit (S1.7).
create type kotally.funding as (
  code      text,
  slices    kotally.slice[],
  taken     bigint,
  available bigint,  -- what can be seen before
  cost      bigint,  -- how much of that is taken; what is paused or owed was not seen
  short_by  bigint,
  cancel_window_minutes integer,
  -- The plan whose caps count it, and the cap that has no room.
  entitlement_id uuid,
  cap       json
);

-- What an entitlement allows or limits beside its credits (S1.2, S3.3). `paid_until` and
-- `grace_until` are those of a membership; after `ends_at` there is nothing.
create type kotally.plan as (
  entitlement_id    uuid,
  product_config_id text,
  coverage          jsonb,
  is_unlimited      boolean,
  caps              jsonb,
  starts_at         timestamptz,
  paid_until        timestamptz,
  grace_until       timestamptz,
  ends_at           timestamptz,
  anchor_on         date,
  period_months     integer,
  cancel_window_minutes integer,
  -- Whose bookings its caps count, when not the contact's own; and whether it may pay in advance.
  beneficiary_id    uuid,
  can_owe           boolean
);

-- A locked contact while a batch spends from it, and what the last act came to.
create type kotally.spending as (
  lots      kotally.lots[],
  available bigint[],
  blockers  kotally.blockers[],
  seq       bigint,
  code      text,
  answer    text,
  posting   kotally.new_posting,
  hold      kotally.holds,
  plans     kotally.plan[]
);

-- How credits of a hold go back: the entries, and the new lots for what has expired meanwhile.
create type kotally.return_plan as (
  entries kotally.new_entry[],
  lots    kotally.lots[]
);
