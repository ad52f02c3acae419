DROP TABLE sides.job_attempts;
DROP TABLE sides.job_history;
DROP TABLE sides.runners;
DROP TABLE sides.fang_tasks;
DROP FUNCTION sides.notify_runners();
DROP TYPE sides.fang_task_state;
