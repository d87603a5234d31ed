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
  note          text,
  created_at    timestamptz not null,
  primary key (location_id, id),
  constraint freezes_membership_fkey
    foreign key (location_id, membership_id) references kotally.memberships (location_id, id),
  constraint freezes_end_after_start check (resumes_on > starts_on or status in ('cancelled', 'ended'))
);
create index freezes_contact_idx on kotally.freezes (location_id, contact_id, starts_on);
create index freezes_due_idx on kotally.freezes (location_id, resumes_at) where status in ('planned', 'running');
