-- The version of its kind's contract that a schedule's arguments are written in: workers bring them up from there.
ALTER TABLE sides.stored_schedules ADD COLUMN version smallint NOT NULL DEFAULT 1;
