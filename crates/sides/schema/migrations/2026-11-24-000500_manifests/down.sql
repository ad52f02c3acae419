ALTER TABLE sides.instances DROP COLUMN manifest;
