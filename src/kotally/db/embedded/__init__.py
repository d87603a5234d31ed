"""
Our own PostgreSQL: the programs of a wheel, run by a small supervisor.

Whoever needs the database holds a shared lock on `users.lock`. One supervisor, started by the
first of them and independent of all of them, holds `supervisor.lock`, keeps the server running as
its child, and stops it when nobody holds the users' lock any more. Locks end with their process,
however it ends, so there are no pids to trust. Nothing in this package imports a driver.
"""
