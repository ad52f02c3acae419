WITH
    spaces AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'sides_migrate') AND nspname NOT LIKE 'pg\_temp%'
          AND nspname NOT LIKE 'pg\_toast\_temp%'
    ),
    relations AS (
        SELECT c.*, s.nspname, s.nspname || '.' || c.relname AS name FROM pg_class AS c JOIN spaces AS s ON s.oid = c.relnamespace
        WHERE c.relname NOT LIKE '\_\_diesel\_schema\_migrations%'
          -- What belongs to an extension is the extension's.
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ),
    things AS (
        SELECT 'schema ' || nspname AS name, '' AS definition FROM spaces WHERE nspname <> 'public'
        UNION ALL
        SELECT 'extension ' || extname, '' FROM pg_extension
        UNION ALL
        SELECT 'table ' || name, concat_ws(' ', relpersistence::text, relkind::text, 'rls=' || relrowsecurity, 'force=' || relforcerowsecurity,
            array_to_string(reloptions, ','), 'partition ' || pg_get_expr(relpartbound, oid), 'by ' || pg_get_partkeydef(oid),
            'identity=' || relreplident::text)
        FROM relations WHERE relkind IN ('r', 'p')
        UNION ALL
        SELECT 'column ' || r.name || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
            CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'generated=' || nullif(a.attgenerated::text, ''), 'identity=' || nullif(a.attidentity::text, ''),
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
        FROM relations AS r JOIN pg_attribute AS a ON a.attrelid = r.oid JOIN pg_type AS t ON t.oid = a.atttypid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
        WHERE r.relkind IN ('r', 'p', 'c') AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        -- Since Postgres 18 a NOT NULL is a constraint too; the column has it.
        SELECT 'constraint ' || r.name || '.' || k.conname, pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' (not valid)' END
        FROM pg_constraint AS k JOIN relations AS r ON r.oid = k.conrelid WHERE k.contype NOT IN ('n', 't')
        UNION ALL
        SELECT 'index ' || r.name, pg_get_indexdef(r.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
        FROM relations AS r JOIN pg_index AS i ON i.indexrelid = r.oid
        UNION ALL
        SELECT 'view ' || name, concat_ws(' ', pg_get_viewdef(oid), array_to_string(reloptions, ', ')) FROM relations WHERE relkind IN ('v', 'm')
        UNION ALL
        SELECT 'sequence ' || r.name, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle,
            (SELECT 'of ' || d.refobjid::regclass || '.' || a.attname FROM pg_depend AS d
             JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0 LIMIT 1))
        FROM relations AS r JOIN pg_sequence AS s ON s.seqrelid = r.oid
        UNION ALL
        SELECT 'function ' || p.oid::regprocedure, CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE p.prokind::text END
        FROM pg_proc AS p JOIN spaces AS s ON s.oid = p.pronamespace
        WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
        UNION ALL
        SELECT 'trigger ' || r.name || '.' || t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
        FROM pg_trigger AS t JOIN relations AS r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
        UNION ALL
        SELECT 'policy ' || r.name || '.' || p.polname, concat_ws(' ', p.polcmd::text, p.polpermissive, pg_get_expr(p.polqual, p.polrelid),
            pg_get_expr(p.polwithcheck, p.polrelid))
        FROM pg_policy AS p JOIN relations AS r ON r.oid = p.polrelid
        UNION ALL
        SELECT 'rule ' || r.name || '.' || w.rulename, pg_get_ruledef(w.oid)
        FROM pg_rewrite AS w JOIN relations AS r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
        UNION ALL
        SELECT 'type ' || s.nspname || '.' || t.typname, CASE t.typtype
            WHEN 'e' THEN (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid)
            WHEN 'd' THEN concat_ws(' ', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'NOT NULL' END, t.typdefault,
                (SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid) || ' ' || k.convalidated, ', ' ORDER BY k.conname)
                 FROM pg_constraint AS k WHERE k.contypid = t.oid AND k.contype = 'c'))
            ELSE t.typtype::text END
        FROM pg_type AS t JOIN spaces AS s ON s.oid = t.typnamespace
        WHERE t.typtype IN ('e', 'd', 'r')
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    )
SELECT name, coalesce(definition, '') FROM things
