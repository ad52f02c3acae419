-- An INSERT for each table, up to its WHERE. $1: whether what may be NULL is so in some rows.
WITH columns AS (
    SELECT c.oid, c.relname, a.attnum, a.attname, a.attnotnull, format_type(a.atttypid, a.atttypmod) AS type, t.typtype,
        CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END::regtype::text AS base, t.typcategory
    FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'sides_migrate')
      AND s.nspname !~ '^pg_(temp|toast)' AND c.relname <> '__diesel_schema_migrations'
      AND a.attgenerated = '' AND a.attidentity = '' AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ 'nextval'
), made AS (
    SELECT *, CASE
        WHEN typcategory = 'E' THEN format('(enum_range(NULL::%s))[1 + n %% array_length(enum_range(NULL::%1$s), 1)]', type)
        WHEN typcategory = 'A' THEN '''{}'''
        WHEN typcategory = 'R' THEN '''empty'''
        WHEN base IN ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision') THEN 'n'
        WHEN base = 'boolean' THEN '(n % 2 = 0)'
        WHEN base = 'uuid' THEN 'md5(n::text)::uuid'
        WHEN base IN ('date', 'timestamp without time zone', 'timestamp with time zone')
            THEN '(''2020-01-01''::timestamp + n * interval ''1 day'')'
        WHEN base IN ('time without time zone', 'time with time zone') THEN '(''00:00''::time + n * interval ''1 minute'')'
        WHEN base = 'interval' THEN '(n * interval ''1 minute'')'
        WHEN base IN ('json', 'jsonb') THEN 'jsonb_build_object(''n'', n)::text'
        WHEN base = 'bytea' THEN 'convert_to(''v'' || n, ''UTF8'')'
        WHEN base IN ('inet', 'cidr') THEN '(''10.0.0.'' || n)'
        WHEN typcategory = 'S' THEN '(''v'' || n)'
        ELSE 'NULL'
    END AS value
    FROM columns
)
SELECT format('INSERT INTO %s (%s) SELECT %s FROM generate_series(1, 24) AS n', oid::regclass,
    string_agg(quote_ident(attname), ', ' ORDER BY attnum),
    string_agg(CASE WHEN value = 'NULL' THEN value
        ELSE format(CASE WHEN attnotnull OR NOT $1 THEN '%s::%s' ELSE 'CASE WHEN (n + %3$s) %% 5 > 0 THEN %1$s::%2$s END' END,
                    value, type, attnum) END, ', ' ORDER BY attnum))
FROM made GROUP BY oid, relname ORDER BY relname
