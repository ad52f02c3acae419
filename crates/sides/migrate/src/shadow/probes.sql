-- Tables and views with one of the names $1 (all where it is NULL), and those that a thing with such a name decides on,
-- each with what code that was written before says to it. `n` stands for a number of a made row. A filler only has rows
-- that others refer to.
WITH RECURSIVE
    named AS (
        SELECT 'pg_class'::regclass::oid AS classid, oid AS objid, relname AS name FROM pg_class
        WHERE oid >= 16384 AND relkind <> 't' AND ($1::text[] IS NULL OR relname = ANY ($1))
        UNION ALL
        SELECT 'pg_proc'::regclass, oid, proname FROM pg_proc WHERE oid >= 16384 AND proname = ANY ($1)
        UNION ALL
        SELECT 'pg_type'::regclass, oid, typname FROM pg_type WHERE oid >= 16384 AND typname = ANY ($1)
    ),
    -- Nothing but its text says what a function uses.
    callers AS (
        SELECT 'pg_proc'::regclass::oid AS classid, p.oid AS objid, p.proname FROM pg_proc AS p
        WHERE $1 IS NOT NULL AND p.oid >= 16384
          AND EXISTS (SELECT FROM named AS n WHERE strpos(lower(p.prosrc), lower(n.name)) > 0)
        UNION
        SELECT 'pg_proc'::regclass::oid, p.oid, p.proname FROM callers AS c
        JOIN pg_proc AS p ON p.oid >= 16384 AND strpos(lower(p.prosrc), lower(c.proname)) > 0
    ),
    -- What hangs on it: columns of a type, defaults and triggers that call a function, indexes, views.
    reached (classid, objid) AS (
        SELECT classid, objid FROM named
        UNION
        SELECT classid, objid FROM callers
        UNION
        SELECT x.classid, coalesce(w.ev_class, d.objid) FROM reached AS r
        JOIN pg_depend AS d ON d.refclassid = r.classid AND d.refobjid = r.objid
        LEFT JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
        CROSS JOIN LATERAL (SELECT CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END) AS x (classid)
        WHERE $1 IS NOT NULL AND d.objid >= 16384 AND d.deptype IN ('n', 'a', 'i')
          AND d.classid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_trigger'::regclass,
                            'pg_attrdef'::regclass, 'pg_rewrite'::regclass, 'pg_constraint'::regclass)
          -- Who refers to a table goes on as long as its rows are there.
          AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.contype = 'f')
    ),
    relations AS (
        SELECT objid AS oid FROM reached WHERE classid = 'pg_class'::regclass
        UNION
        SELECT i.indrelid FROM reached JOIN pg_index AS i ON classid = 'pg_class'::regclass AND i.indexrelid = objid
        UNION
        SELECT t.tgrelid FROM reached JOIN pg_trigger AS t ON classid = 'pg_trigger'::regclass AND t.oid = objid
        UNION
        SELECT a.adrelid FROM reached JOIN pg_attrdef AS a ON classid = 'pg_attrdef'::regclass AND a.oid = objid
        UNION
        SELECT k.conrelid FROM reached JOIN pg_constraint AS k ON classid = 'pg_constraint'::regclass AND k.oid = objid
    ),
    -- Code speaks to a partition by its parent's name, and to who inherits by its own.
    family AS (
        SELECT oid FROM relations
        UNION
        SELECT CASE WHEN i.inhparent = f.oid THEN i.inhrelid ELSE i.inhparent END
        FROM family AS f JOIN pg_inherits AS i ON i.inhrelid = f.oid OR i.inhparent = f.oid
        JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhrelid = f.oid OR NOT c.relispartition
    ),
    asked AS (
        SELECT c.oid FROM family JOIN pg_class AS c USING (oid) JOIN pg_namespace AS s ON s.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384 AND c.relpersistence <> 't'
          AND s.nspname NOT IN ('pg_toast', 'sides_migrate') AND c.relname NOT LIKE '\_\_diesel\_schema\_migrations%'
        ORDER BY c.oid DESC LIMIT 200
    ),
    wanted AS (
        SELECT oid, false AS is_filler FROM asked
        UNION ALL
        SELECT DISTINCT confrelid, true FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN (SELECT oid FROM asked) AND confrelid NOT IN (SELECT oid FROM asked)
    ),
    columns AS (
        SELECT a.attrelid, a.attnum, quote_ident(a.attname) AS name,
            a.attgenerated = '' AND a.attidentity <> 'a' AS is_written,
            a.attgenerated = '' AND a.attidentity = '' AND d.oid IS NULL AS is_given,
            format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, a.atttypmod,
            coalesce(nullif(t.typbasetype, 0), t.oid) AS base,
            -- A value that a CHECK names is one that it allows, more often than not.
            (SELECT substring(pg_get_constraintdef(k.oid) FROM '''([^'']*)''') FROM pg_constraint AS k
             WHERE k.contype = 'c' AND k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum] LIMIT 1) AS allowed
        FROM wanted JOIN pg_attribute AS a ON a.attrelid = wanted.oid JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped
    ),
    made AS (
        SELECT c.*, CASE
            WHEN t.typtype = 'e' THEN
                (SELECT quote_literal(e.enumlabel) FROM pg_enum AS e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder LIMIT 1)
            WHEN t.typname IN ('int2', 'int4', 'int8', 'oid', 'float4', 'float8') THEN 'n'
            WHEN t.typname IN ('numeric', 'money') THEN 'n % 9'
            WHEN t.typname = 'bool' THEN 'n % 2 = 0'
            WHEN t.typname IN ('text', 'varchar', 'bpchar', 'name', 'citext') AND c.allowed IS NOT NULL THEN quote_literal(c.allowed)
            WHEN t.typname IN ('text', 'varchar', 'bpchar', 'name', 'citext') THEN
                format('left(n || ''v'', %s)', CASE WHEN c.atttypmod > 4 THEN c.atttypmod - 4 ELSE 60 END)
            WHEN t.typname = 'date' THEN 'date ''2020-01-01'' + n::int'
            WHEN t.typname IN ('timestamp', 'timestamptz') THEN 'timestamp ''2020-01-01'' + n * interval ''1 hour'''
            WHEN t.typname IN ('time', 'interval') THEN 'n * interval ''1 second'''
            WHEN t.typname = 'uuid' THEN 'md5(n::text)::uuid'
            WHEN t.typname IN ('json', 'jsonb') THEN '''{}'''
            WHEN t.typname = 'bytea' THEN '''\x00'''
            WHEN t.typname IN ('inet', 'cidr') THEN '(''10.0.'' || n / 250 % 250 || ''.'' || n % 250)'
            WHEN t.typcategory = 'A' OR t.typtype = 'm' THEN '''{}'''
            WHEN t.typtype = 'r' THEN '''empty'''
            WHEN t.typname = 'tsvector' THEN ''''''
            WHEN t.typname = 'point' THEN '''(0,0)'''
            ELSE 'NULL'
        END AS value
        FROM columns AS c JOIN pg_type AS t ON t.oid = c.base
    )
SELECT c.oid, CASE s.nspname WHEN 'public' THEN '' ELSE s.nspname || '.' END || c.relname,
    format('%I.%I', s.nspname, c.relname), c.relkind IN ('r', 'p'),
    coalesce(string_agg(m.name, ', ' ORDER BY m.attnum), ''),
    coalesce(string_agg(m.name, ', ' ORDER BY m.attnum) FILTER (WHERE m.is_given), ''),
    coalesce(string_agg(format('(%s)::%s', m.value, m.type), ', ' ORDER BY m.attnum) FILTER (WHERE m.is_given), ''),
    coalesce(string_agg(m.name, ', ' ORDER BY m.attnum) FILTER (WHERE m.is_given AND m.attnotnull), ''),
    coalesce(string_agg(format('(%s)::%s', m.value, m.type), ', ' ORDER BY m.attnum) FILTER (WHERE m.is_given AND m.attnotnull), ''),
    coalesce(string_agg(m.name, ', ' ORDER BY m.attnum) FILTER (WHERE m.is_written), ''),
    coalesce(string_agg(format('(%s)::%s', m.value, m.type), ', ' ORDER BY m.attnum) FILTER (WHERE m.is_written), ''),
    coalesce(string_agg(m.name || ' = ' || m.name, ', ' ORDER BY m.attnum) FILTER (WHERE m.is_written), ''),
    wanted.is_filler,
    coalesce((
        SELECT array_agg(DISTINCT concat_ws(' ', r.grantee, r.privilege_type, r.attname)) FROM (
            SELECT g.rolname AS grantee, x.privilege_type, NULL::name AS attname
            FROM aclexplode(c.relacl) AS x LEFT JOIN pg_roles AS g ON g.oid = x.grantee WHERE x.grantee <> c.relowner
            UNION ALL
            SELECT g.rolname, x.privilege_type, a.attname
            FROM pg_attribute AS a, aclexplode(a.attacl) AS x LEFT JOIN pg_roles AS g ON g.oid = x.grantee
            WHERE a.attrelid = c.oid AND NOT a.attisdropped
        ) AS r), '{}'),
    -- What a view lets through: 4 changes, 8 new rows, 16 deletions.
    CASE WHEN c.relkind IN ('r', 'p') THEN 28 WHEN c.relkind = 'v' THEN pg_relation_is_updatable(c.oid, true) ELSE 0 END,
    -- As whom processes come: who was given a right, and who owns it.
    ARRAY(
        SELECT g.rolname::text FROM pg_roles AS g WHERE NOT g.rolsuper AND (g.oid = c.relowner
            OR EXISTS (SELECT FROM aclexplode(c.relacl) AS x WHERE x.grantee = g.oid)
            OR EXISTS (SELECT FROM pg_attribute AS a, aclexplode(a.attacl) AS x WHERE a.attrelid = c.oid AND x.grantee = g.oid))
        ORDER BY g.oid
    )
FROM wanted JOIN pg_class AS c ON c.oid = wanted.oid JOIN pg_namespace AS s ON s.oid = c.relnamespace
LEFT JOIN made AS m ON m.attrelid = c.oid
GROUP BY c.oid, s.nspname, wanted.is_filler
ORDER BY c.oid
