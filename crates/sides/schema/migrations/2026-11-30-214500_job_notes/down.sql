DROP FUNCTION sides.note, sides.noted;
DROP TABLE sides.job_notes;
