DROP TABLE sides.memory_trends;
DROP TABLE sides.scale_requests;
DROP FUNCTION sides.notify_scaling();
