WITH
    -- As names are written in migrations: with a schema unless it is public.
    named AS (
        SELECT c.oid, c.relkind, c.relname, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname AS name
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'sides_migrate')
    ),
    columns AS (
        SELECT t.name, jsonb_object_agg(a.attname, jsonb_build_object(
            'sql_type', format_type(a.atttypid, a.atttypmod),
            'not_null', a.attnotnull,
            'default', (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d
                        WHERE d.adrelid = t.oid AND d.adnum = a.attnum AND a.attgenerated = ''),
            'used_by', (SELECT coalesce(jsonb_agg(DISTINCT pg_describe_object(u.classid, u.objid, 0)), '[]')
                        FROM pg_depend AS u
                        WHERE u.refclassid = 'pg_class'::regclass AND u.refobjid = t.oid AND u.refobjsubid = a.attnum
                          AND u.classid <> 'pg_attrdef'::regclass
                          -- Since Postgres 18 a NOT NULL is a constraint too; the column has it.
                          AND NOT EXISTS (SELECT FROM pg_constraint AS k
                                          WHERE u.classid = 'pg_constraint'::regclass AND k.oid = u.objid AND k.contype = 'n')),
            -- What a new column in its place would lack. Up to Postgres 16 the usual statistics target is -1.
            'kept', a.attacl IS NOT NULL OR coalesce(a.attstattarget, -1) <> -1 OR a.attcompression <> ''
                OR a.attstorage <> (SELECT y.typstorage FROM pg_type AS y WHERE y.oid = a.atttypid)
                OR col_description(t.oid, a.attnum) IS NOT NULL,
            'never_null', a.attnotnull OR EXISTS (
                SELECT FROM pg_constraint AS k
                WHERE k.conrelid = t.oid AND k.contype = 'c' AND k.convalidated
                  AND pg_get_constraintdef(k.oid) IN (
                      format('CHECK ((%I IS NOT NULL))', a.attname), format('CHECK (%I IS NOT NULL)', a.attname))
            ))) AS columns
        FROM named AS t JOIN pg_attribute AS a ON a.attrelid = t.oid
        -- What hangs on a column is asked of the tables that matter alone: it is the dearest question.
        WHERE t.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND ($1::text[] IS NULL OR t.relname = ANY ($1))
        GROUP BY t.name
    ),
    parents AS (
        SELECT t.name, jsonb_object_agg(k.conname, parent.name) AS parents
        FROM pg_constraint AS k JOIN named AS t ON t.oid = k.conrelid JOIN named AS parent ON parent.oid = k.confrelid
        WHERE k.contype = 'f' AND ($1::text[] IS NULL OR t.relname = ANY ($1)) GROUP BY t.name
    ),
    -- Few or none: found first, or every column of every table would be compared with every type.
    made AS MATERIALIZED (
        SELECT d.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || d.typname AS name
        FROM pg_type AS d JOIN pg_namespace AS n ON n.oid = d.typnamespace
        WHERE d.typtype = 'd' AND d.oid >= 16384 AND ($1::text[] IS NULL OR d.typname = ANY ($1))
    ),
    partitions AS (
        SELECT t.name, jsonb_agg(jsonb_build_object('name', p.name, 'parent', above.name, 'is_leaf', tree.isleaf,
            'by', (SELECT jsonb_agg(a.attname) FROM pg_partitioned_table AS k, unnest(k.partattrs) AS n JOIN pg_attribute AS a ON a.attnum = n
                   WHERE k.partrelid = above.oid AND a.attrelid = above.oid))
                                 ORDER BY tree.level DESC, p.name) AS partitions
        FROM named AS t CROSS JOIN LATERAL pg_partition_tree(t.oid) AS tree
        JOIN named AS p ON p.oid = tree.relid JOIN named AS above ON above.oid = tree.parentrelid
        WHERE t.relkind = 'p' AND tree.level > 0 AND ($1::text[] IS NULL OR t.relname = ANY ($1))
        GROUP BY t.name
    ),
    materialized AS (
        SELECT v.name, jsonb_build_object(
            'definition', rtrim(pg_get_viewdef(v.oid), ';'),
            'is_unique', (SELECT relispopulated FROM pg_class WHERE oid = v.oid) AND EXISTS (
                SELECT FROM pg_index AS x
                WHERE x.indrelid = v.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL),
            'indexes', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', i.relname, 'is_unique', x.indisunique,
                               'columns', substr(pg_get_indexdef(i.oid), strpos(pg_get_indexdef(i.oid), ' USING '))) ORDER BY i.relname), '[]')
                        FROM pg_index AS x JOIN named AS i ON i.oid = x.indexrelid WHERE x.indrelid = v.oid),
            'used_by', (SELECT coalesce(jsonb_agg(DISTINCT pg_describe_object(d.classid, d.objid, 0)), '[]')
                        FROM pg_depend AS d
                        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = v.oid AND d.deptype = 'n'
                          AND d.objid NOT IN (SELECT w.oid FROM pg_rewrite AS w WHERE w.ev_class = v.oid))) AS facts
        FROM named AS v WHERE v.relkind = 'm' AND ($1::text[] IS NULL OR v.relname = ANY ($1))
    ),
    domains AS (
        SELECT d.name, jsonb_agg(DISTINCT t.name) AS tables
        FROM made AS d JOIN pg_attribute AS a ON a.atttypid = d.oid JOIN named AS t ON t.oid = a.attrelid
        WHERE t.relkind IN ('r', 'p') GROUP BY d.name
    )
SELECT jsonb_build_object(
    'columns', (SELECT coalesce(jsonb_object_agg(name, columns), '{}') FROM columns),
    'checked', (SELECT coalesce(jsonb_agg(DISTINCT t.name), '[]') FROM pg_constraint AS k
                JOIN named AS t ON t.oid = k.conrelid WHERE k.contype = 'c' AND k.convalidated),
    'parents', (SELECT coalesce(jsonb_object_agg(name, parents), '{}') FROM parents),
    'default_partitions', (SELECT coalesce(jsonb_object_agg(t.name, d.name), '{}') FROM pg_partitioned_table AS p
                           JOIN named AS t ON t.oid = p.partrelid JOIN named AS d ON d.oid = p.partdefid),
    'indexes', (SELECT coalesce(jsonb_object_agg(i.name, t.name), '{}') FROM pg_index AS x
                JOIN named AS i ON i.oid = x.indexrelid JOIN named AS t ON t.oid = x.indrelid
                WHERE $1::text[] IS NULL OR i.relname = ANY ($1) OR t.relname = ANY ($1)),
    'constraints', (SELECT coalesce(jsonb_agg(DISTINCT i.name), '[]') FROM pg_constraint AS k JOIN named AS i ON i.oid = k.conindid
                    WHERE k.contype IN ('p', 'u', 'x') AND ($1::text[] IS NULL OR i.relname = ANY ($1))),
    'keys', (SELECT coalesce(jsonb_object_agg(name, columns), '{}') FROM (
                 SELECT t.name, jsonb_agg(DISTINCT a.attname) AS columns
                 FROM named AS t JOIN pg_index AS x ON x.indrelid = t.oid
                 JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
                 WHERE x.indisunique AND x.indisvalid AND x.indnkeyatts = 1 AND x.indpred IS NULL
                   AND ($1::text[] IS NULL OR t.relname = ANY ($1))
                 GROUP BY t.name) AS k),
    'domains', (SELECT coalesce(jsonb_object_agg(name, tables), '{}') FROM domains),
    -- Postgres' own are many and always the same: only who asks for everything is told of them.
    'volatile', (SELECT coalesce(jsonb_agg(DISTINCT proname), '[]') FROM (
                     SELECT proname FROM pg_proc WHERE provolatile = 'v' AND oid >= 16384
                     UNION ALL SELECT proname FROM pg_proc WHERE provolatile = 'v' AND oid < 16384 AND $1::text[] IS NULL) AS p),
    'partitions', (SELECT coalesce(jsonb_object_agg(name, partitions), '{}') FROM partitions),
    'materialized', (SELECT coalesce(jsonb_object_agg(name, facts), '{}') FROM materialized),
    'views', (SELECT coalesce(jsonb_agg(name), '[]') FROM named WHERE relkind = 'v')
)::text
