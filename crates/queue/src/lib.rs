//! Jobs on Postgres: enqueue, claim, lease, acknowledge.
