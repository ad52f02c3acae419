DROP TABLE sides.schedule_runs;
DROP TABLE sides.schedule_pauses;
DROP TABLE sides.stored_schedules;
DROP FUNCTION sides.notify_clocks();
ALTER TABLE sides.ticks DROP COLUMN asked_by;
ALTER TABLE sides.schedules DROP COLUMN overlap;
ALTER TABLE sides.schedules DROP COLUMN missed;
