"""The machine API: one door, one table of routes, one catalogue of reasons."""
