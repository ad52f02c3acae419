-- What it was good for, fang_tasks_held is good for too.
DROP INDEX CONCURRENTLY sides.fang_tasks_in_progress;
