-- Each table and filled materialized view, with the columns whose default is another each time.
SELECT c.oid::regclass::text, coalesce(array_agg(a.attname::text) FILTER (
    WHERE a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid)
        ~* '\m(nextval|random|gen_random_uuid|uuid_generate_\w+|clock_timestamp|timeofday|now|transaction_timestamp|statement_timestamp|current_\w+|localtime\w*)\M'), '{}')
FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE (c.relkind IN ('r', 'p') AND NOT c.relispartition OR c.relkind = 'm' AND c.relispopulated)
  AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'sides_migrate') AND s.nspname !~ '^pg_(temp|toast)'
  AND c.relname <> '__diesel_schema_migrations'
GROUP BY c.oid
