"""Memberships: entitlements that recur, period by period."""
