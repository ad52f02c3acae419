DROP FUNCTION sides.resume_jobs, sides.pause_jobs, sides.cancel_jobs, sides.discard_jobs, sides.end_jobs,
    sides.unpark_jobs, sides.retry_jobs, sides.note_jobs;
