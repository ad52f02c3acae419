ALTER TABLE sides.runners DROP COLUMN presumed_dead;
DROP TABLE sides.runner_sessions;
DROP FUNCTION sides.runner_lock(uuid);
