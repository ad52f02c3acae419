-- Functions of the database: what they are made of, what keeps their results or calls them, and how code may call each.
SELECT p.oid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || p.proname,
    p.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), ''), l.lanname::text, p.prosecdef,
    coalesce(array_to_string(p.proconfig, ', '), ''), p.proisstrict,
    ARRAY(
        SELECT DISTINCT CASE
            WHEN d.classid = 'pg_catalog.pg_class'::regclass THEN 'kept'
            WHEN d.classid = 'pg_catalog.pg_attrdef'::regclass THEN 'kept'
            WHEN d.classid = 'pg_catalog.pg_trigger'::regclass THEN 'fires'
            ELSE 'checks'
        END || ' ' || pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
        FROM pg_catalog.pg_depend AS d
        LEFT JOIN pg_catalog.pg_attrdef AS f ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND f.oid = d.objid
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
        WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = p.oid
          AND (d.classid IN ('pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_constraint'::regclass,
                             'pg_catalog.pg_policy'::regclass)
               OR a.attgenerated <> ''
               -- An expression of an index, or what a partition is chosen by.
               OR (d.classid = 'pg_catalog.pg_class'::regclass
                   AND EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = d.objid AND c.relkind IN ('i', 'I', 'p'))))
    ),
    CASE WHEN p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql') AND (r.typtype <> 'p' OR r.typname IN ('void', 'record'))
        AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) AS o (oid) JOIN pg_catalog.pg_type AS t USING (oid) WHERE t.typtype = 'p')
    THEN pg_catalog.format('SELECT %s FROM %I.%I(%s)', coalesce((
        -- Careful code names the columns that it wants.
        SELECT string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = r.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ), '*'), n.nspname, p.proname, (
        SELECT string_agg(pg_catalog.format('(%s)::%s', CASE
            WHEN t.typname IN ('int2', 'int4', 'int8', 'float4', 'float8', 'numeric') THEN '1'
            WHEN t.typname IN ('text', 'varchar', 'bpchar', 'name') THEN '''v'''
            WHEN t.typname = 'bool' THEN 'true'
            WHEN t.typname IN ('date', 'timestamp', 'timestamptz') THEN 'now()'
            WHEN t.typname = 'uuid' THEN '''00000000-0000-0000-0000-000000000001'''
            WHEN t.typname IN ('json', 'jsonb') THEN '''{}'''
            ELSE 'NULL'
        END, pg_catalog.format_type(t.oid, NULL)), ', ' ORDER BY o.place)
        FROM unnest(p.proargtypes) WITH ORDINALITY AS o (oid, place) JOIN pg_catalog.pg_type AS t USING (oid)
    )) END
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang JOIN pg_catalog.pg_type AS r ON r.oid = p.prorettype
WHERE p.oid >= 16384 AND n.nspname NOT LIKE 'pg\_temp%'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.oid
