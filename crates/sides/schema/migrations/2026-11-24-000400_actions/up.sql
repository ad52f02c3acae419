-- What was found and done about the running processes: who asked, why, what was measured, how it ended.
CREATE TABLE sides.actions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    -- What it is about: a process with its instance, or the database.
    subject text NOT NULL,
    action text NOT NULL,
    asked_by text NOT NULL,
    reason text NOT NULL,
    measured jsonb NOT NULL,
    outcome text NOT NULL
);
-- The last one about a subject says how it stands.
CREATE INDEX actions_subject ON sides.actions (subject, id);
