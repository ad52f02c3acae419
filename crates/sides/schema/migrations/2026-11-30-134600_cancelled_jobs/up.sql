-- Runners ask for their cancelled jobs every few seconds. Nearly always empty, where fang_tasks_in_progress leads over
-- everything that ran since the last vacuum.
CREATE INDEX CONCURRENTLY fang_tasks_cancelled ON sides.fang_tasks (owner) WHERE cancelled IS NOT NULL;
