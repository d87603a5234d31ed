-- Who may do what; applied again whenever anything here or in a function changes.
-- History can be added to and read, by the kernel's functions alone: nothing that runs may change
-- or remove it. The application reads everything, executes the kernel, and writes the rest.

revoke all on all tables in schema kotally from kotally_app, kotally_ledger;
grant usage on schema kotally to kotally_app, kotally_ledger;
grant select on all tables in schema kotally to kotally_app, kotally_ledger;

grant insert on kotally.postings, kotally.entries, kotally.requests, kotally.expiry_changes
  to kotally_ledger;
grant insert, update on kotally.balances, kotally.lots, kotally.holds to kotally_ledger;
-- `for no key update` asks for the right to update.
grant insert, update on kotally.contacts, kotally.payments, kotally.entitlements,
  kotally.memberships, kotally.periods to kotally_ledger;

grant insert, update on kotally.workspaces, kotally.users, kotally.locations, kotally.api_clients,
  kotally.contacts, kotally.products, kotally.payments, kotally.entitlements, kotally.memberships,
  kotally.periods, kotally.blockers, kotally.membership_changes, kotally.freezes, kotally.bookings,
  kotally.refunds to kotally_app;
grant insert on kotally.payment_reports to kotally_app;
grant insert on kotally.product_versions, kotally.seals, kotally.happenings to kotally_app;
grant insert on kotally.happenings to kotally_ledger;
grant delete on kotally.blockers to kotally_app;

grant insert, update on kotally.rolls, kotally.instalments to kotally_app;
grant update on kotally.rolls to kotally_ledger;

alter function kotally.claim_contacts(text, uuid[]) owner to kotally_ledger;
alter function kotally.apply(text, kotally.act[], boolean) owner to kotally_ledger;
alter function kotally.post(text, timestamptz, kotally.new_posting[], kotally.lots[]) owner to kotally_ledger;
alter function kotally.lock_contacts(text, uuid[]) owner to kotally_ledger;
alter function kotally.expire_lots(text, integer) owner to kotally_ledger;
alter function kotally.lapse_holds(text, integer) owner to kotally_ledger;
alter function kotally.post_lapses(text, uuid[], timestamptz, integer) owner to kotally_ledger;
grant insert, update on kotally.strikes, kotally.fees, kotally.penalties, kotally.class_cancellations
  to kotally_app;
grant update on kotally.bookings, kotally.fees to kotally_ledger;
alter function kotally.conclude_hold(text, uuid, text, bigint, bigint, text, boolean, timestamptz)
  owner to kotally_ledger;
alter function kotally.place_hold(text, kotally.act, uuid, smallint, timestamptz) owner to kotally_ledger;
alter function kotally.fund_waiting(text, kotally.act, uuid, timestamptz, smallint) owner to kotally_ledger;
alter function kotally.remember(text, text, text, text, bytea, text, text, text, uuid, uuid, timestamptz)
  owner to kotally_ledger;
alter function kotally.change_expiry(text, uuid, timestamptz, text, uuid, text, text, uuid, timestamptz)
  owner to kotally_ledger;
grant insert, update on kotally.disputes, kotally.approvals, kotally.transfers, kotally.shares to kotally_app;
grant insert on kotally.adjustments, kotally.transferred_lots, kotally.shared_uses to kotally_app;
grant insert on kotally.shared_uses to kotally_ledger;
alter function kotally.open_balance(text, uuid) owner to kotally_ledger;
alter function kotally.settle_debts(text, kotally.new_posting, uuid, timestamptz) owner to kotally_ledger;
alter function kotally.hold_again(text, uuid, text, text, timestamptz) owner to kotally_ledger;
alter function kotally.project_lots(text, uuid) owner to kotally_ledger;
alter function kotally.start_lot(text, uuid, timestamptz) owner to kotally_ledger;
alter function kotally.use_past(text, kotally.act, uuid, smallint, timestamptz) owner to kotally_ledger;
alter function kotally.rezone_lots(text, text, text, text, text, uuid, timestamptz)
  owner to kotally_ledger;
alter function kotally.pay_period(text, uuid, integer, uuid, bigint, text) owner to kotally_ledger;
grant insert, update on kotally.closures to kotally_app;
grant insert, update on kotally.work_items to kotally_app;

grant insert, update on kotally.sweeps to kotally_app;

revoke execute on all functions in schema kotally from public;
grant execute on all functions in schema kotally to kotally_app, kotally_ledger;
