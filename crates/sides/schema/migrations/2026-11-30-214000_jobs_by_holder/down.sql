DROP INDEX CONCURRENTLY sides.fang_tasks_held;
