DROP INDEX CONCURRENTLY sides.fang_tasks_in_order;
