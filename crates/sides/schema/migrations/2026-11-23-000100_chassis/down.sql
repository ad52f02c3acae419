DROP TABLE sides.ticks;
DROP TABLE sides.schedules;
DROP TABLE sides.instances;
DROP SCHEMA sides;
