CREATE INDEX CONCURRENTLY fang_tasks_in_progress ON sides.fang_tasks (id) WHERE state = 'in_progress';
