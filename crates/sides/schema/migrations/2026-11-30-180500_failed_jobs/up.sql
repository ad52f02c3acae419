-- Jobs that were given up wait for people, and are counted each time somebody looks: without walking over those that wait.
CREATE INDEX CONCURRENTLY fang_tasks_failed ON sides.fang_tasks (id) WHERE state = 'failed';
