CREATE INDEX CONCURRENTLY fang_tasks_ready ON sides.fang_tasks (priority, scheduled_at)
    WHERE state IN ('new', 'retried') AND parked_by IS NULL AND crashes < 2;
