-- Every release of this database's processes, with what was measured while it went on.
CREATE TABLE sides.releases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT now(),
    asked_by text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('released', 'undone', 'partial')),
    receipt jsonb NOT NULL
);
