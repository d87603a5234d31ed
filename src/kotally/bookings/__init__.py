"""Bookings: a contact's places in appointments, and what they cost."""
