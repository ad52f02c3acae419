-- Every table and view with its columns, as one JSON object: what a Catalogue is read from. Types by their name in
-- pg_type. Partitions are their parent's concern. A table may have no column.
SELECT coalesce(json_object_agg(name, columns), '{}')::text AS catalogue FROM (
    SELECT
        CASE nspname WHEN 'public' THEN relname::text ELSE nspname || '.' || relname END AS name,
        coalesce(json_object_agg(attname, json_build_object(
            'sql_type', typname,
            'required', attnotnull AND NOT atthasdef AND attidentity = ''
        )) FILTER (WHERE attname IS NOT NULL), '{}') AS columns
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_type ON pg_type.oid = atttypid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition
        AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
    GROUP BY 1
) AS tables
