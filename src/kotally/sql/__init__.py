"""
The SQL of the product; loaded by `kotally.db.migrator`.

`migrations/NNNN_name.sql` change tables, once, in order, each in a transaction of its own.
`functions/*.sql` and `views/*.sql` hold the current text and are applied again when it changes:
functions first, then views, by name; a first line `-- after: name` (or several names, with commas)
puts a file behind others. `grants.sql` is applied last whenever anything was. All run as the owner;
while they run, `kotally_ledger` may create in the schema, so that functions can be given to it.
"""
