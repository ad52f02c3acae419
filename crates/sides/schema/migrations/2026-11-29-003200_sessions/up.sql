-- Who is signed in, so that a session can be listed and ended.
CREATE TABLE sides.sessions (
    id uuid PRIMARY KEY,
    -- The application's site; several may share a database.
    site text NOT NULL,
    -- SHA-256 of the cookie: whoever reads this table cannot sign in with it.
    cookie bytea NOT NULL UNIQUE,
    -- Which secret opened it, told apart by the cookie only: another secret ends it.
    proof bytea NOT NULL,
    address text NOT NULL,
    client text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    ends_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by text
);
CREATE INDEX sessions_ends_at ON sides.sessions (ends_at);
