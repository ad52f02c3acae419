ALTER TABLE sides.stored_schedules DROP COLUMN version;
