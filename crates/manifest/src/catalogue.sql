-- Every table and view with its columns, as one JSON object: what a Catalogue is read from. Types by their name in
-- pg_type. Partitions are their parent's concern.
SELECT coalesce(json_object_agg(name, columns), '{}')::text AS catalogue FROM (
    SELECT
        CASE nspname WHEN 'public' THEN relname::text ELSE nspname || '.' || relname END AS name,
        json_object_agg(attname, json_build_object(
            'sql_type', typname,
            'required', attnotnull AND NOT atthasdef AND attidentity = ''
        )) AS columns
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
    JOIN pg_type ON pg_type.oid = atttypid
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition
        AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\_%'
    GROUP BY 1
) AS tables
