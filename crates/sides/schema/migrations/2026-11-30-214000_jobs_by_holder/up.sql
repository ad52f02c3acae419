-- Jobs that run, by who holds them: whoever asks what a worker holds walks over that worker's, and not over everybody's.
CREATE INDEX CONCURRENTLY fang_tasks_held ON sides.fang_tasks (owner) WHERE state = 'in_progress';
