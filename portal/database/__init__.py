"""PostgreSQL and nothing but: connection, column types, tenant walls, queue and file store.

Functions for the rooms above:

- `server.connect_urls(settings)`: addresses of the database as its owner and as the application.
- `tenancy.service()`, `tenancy.creditors(ids)`, `tenancy.cases(ids)`: whose rows are seen.
- `queue.defer(name, …)`: a job that becomes due when the transaction commits.
- `files.store(data)` and `files.read(sha256)`: encrypted files kept by their hash.
"""
