-- Bookings: a contact's place in an appointment, and what became of it (S2 to S5).

create table kotally.bookings (
  location_id        text collate "C" not null,
  id                 uuid not null,
  contact_id         uuid not null,
  external_ref       text collate "C" not null check (length(external_ref) between 1 and 255),
  class_ref          text collate "C",
  product_config_id  text collate "C",
  calendar_id        text collate "C",
  units              bigint not null check (units > 0),
  starts_at          timestamptz not null,
  -- The start it had before it was moved inside its late window (S4.1).
  original_starts_at timestamptz,
  ends_at            timestamptz not null,
  status             text not null check (status in (
    'waitlisted', 'provisional', 'unfunded', 'booked', 'attended', 'late_cancelled', 'no_show',
    'cancelled', 'studio_cancelled')),
  hold_id            uuid,
  closes_at          timestamptz,
  created_at         timestamptz not null,
  primary key (location_id, id),
  constraint bookings_contact_fkey
    foreign key (location_id, contact_id) references kotally.contacts (location_id, id),
  constraint bookings_end_after_start check (ends_at >= starts_at)
);
create index bookings_contact_idx on kotally.bookings (location_id, contact_id, starts_at);
