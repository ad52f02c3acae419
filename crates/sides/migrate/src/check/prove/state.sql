-- What the catalogue's text leaves out: owners, rights, comments, statistics, storage, what hangs on what.
WITH
    spaces AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'sides_migrate') AND nspname !~ '^pg_(temp|toast)'
    ),
    relations AS (
        SELECT c.*, c.oid::regclass::text AS name FROM pg_class AS c JOIN spaces AS s ON s.oid = c.relnamespace
        WHERE c.relname !~ '^__diesel_schema_migrations'
    )
SELECT 'owner of ' || name, relowner::regrole::text FROM relations
UNION ALL
SELECT 'rights on ' || name, (SELECT string_agg(r::text, ' ' ORDER BY r::text)
                              FROM unnest(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) AS r)
FROM relations WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
UNION ALL
SELECT 'settings of ' || name, concat_ws(' ', reloptions::text, relpersistence::text, relrowsecurity, relforcerowsecurity, relispopulated)
FROM relations WHERE relkind IN ('r', 'p', 'v', 'm', 'i', 'I')
UNION ALL
SELECT 'column ' || r.name || '.' || a.attname,
    concat_ws(' ', 'statistics=' || nullif(coalesce(a.attstattarget, -1), -1), 'storage=' || a.attstorage::text,
        'compression=' || nullif(a.attcompression::text, ''), 'options=' || a.attoptions::text,
        'rights=' || (SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM unnest(a.attacl) AS x))
FROM relations AS r JOIN pg_attribute AS a ON a.attrelid = r.oid
WHERE r.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'comment on ' || pg_describe_object(classoid, objoid, objsubid), description FROM pg_description WHERE objoid >= 16384
UNION ALL
SELECT 'policy ' || p.polname || ' of ' || r.name, (SELECT string_agg(coalesce(u.rolname, 'public'), ' ' ORDER BY u.rolname)
                                                   FROM unnest(p.polroles) AS o LEFT JOIN pg_roles AS u ON u.oid = o)
FROM pg_policy AS p JOIN relations AS r ON r.oid = p.polrelid
UNION ALL
SELECT 'parent of ' || r.name, i.inhparent::regclass::text FROM pg_inherits AS i JOIN relations AS r ON r.oid = i.inhrelid
UNION ALL
SELECT 'index ' || r.name, concat_ws(' ', i.indisvalid, i.indisready, 'clustered=' || i.indisclustered, 'identity=' || i.indisreplident)
FROM pg_index AS i JOIN relations AS r ON r.oid = i.indexrelid
UNION ALL
SELECT 'constraint ' || k.conname || ' of ' || r.name, concat_ws(' ', k.contype::text, k.condeferrable, k.condeferred, k.convalidated, k.conislocal, k.coninhcount)
FROM pg_constraint AS k JOIN relations AS r ON r.oid = k.conrelid WHERE k.contype <> 'n'
UNION ALL
SELECT 'statistics ' || s.stxname, pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext AS s JOIN spaces AS n ON n.oid = s.stxnamespace
UNION ALL
SELECT 'sequence ' || r.name, 'at ' || coalesce(pg_sequence_last_value(r.oid)::text, 'its start') FROM relations AS r WHERE r.relkind = 'S'
UNION ALL
SELECT 'function ' || p.oid::regprocedure, concat_ws(' ', p.proowner::regrole, (SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM unnest(p.proacl) AS x))
FROM pg_proc AS p JOIN spaces AS n ON n.oid = p.pronamespace
UNION ALL
SELECT 'publication of ' || r.name, string_agg(p.pubname, ' ' ORDER BY p.pubname)
FROM pg_publication_rel AS x JOIN pg_publication AS p ON p.oid = x.prpubid JOIN relations AS r ON r.oid = x.prrelid GROUP BY r.name
