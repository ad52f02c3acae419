DROP FUNCTION sides.leave, sides.park, sides.give_back, sides.snooze, sides.fail, sides.discard, sides.complete,
    sides.return_job, sides.end_job, sides.extend, sides.claim, sides.rescue_jobs, sides.enqueue;
