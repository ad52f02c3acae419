DROP FUNCTION sides.keep_history(interval, text);
