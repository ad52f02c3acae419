-- A claim goes on behind the last job that it took. Jobs of one statement are due at one moment, so their ids are part
-- of the order: without them every claim walks again over all that were taken of that moment before.
CREATE INDEX CONCURRENTLY fang_tasks_in_order ON sides.fang_tasks (priority, scheduled_at, id)
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2;
