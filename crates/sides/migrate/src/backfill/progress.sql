-- Each backfill's newest run, oldest migration first.
SELECT DISTINCT ON (s.version, s.step)
    coalesce(b.migration, a.name, s.version) AS migration,
    s.step,
    s.finished_at IS NOT NULL AS is_done,
    EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (l.classid::bigint << 32 | l.objid::bigint) = {key}
    ) AS is_running,
    b.paused_by, b.visited, b.changed, b.estimated, b.slow,
    coalesce((b.visited - b.run_began_with) / nullif(extract(epoch FROM b.updated_at - b.run_began_at), 0), 0)::bigint AS per_second
FROM sides_migrate.backfills AS b
JOIN sides_migrate.steps AS s ON s.id = b.step_id
LEFT JOIN sides_migrate.applied AS a ON a.version = s.version
WHERE s.direction = 'up'
ORDER BY s.version, s.step, s.id DESC
