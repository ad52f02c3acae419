-- What was made beside the migrations and decides what they do: statements that make it again, in an order that works.
-- Partitions of tables, the rights of roles, publications.
WITH RECURSIVE
    relations AS (
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relname, c.relkind, c.relacl, c.relowner, c.relispartition,
            c.relpartbound
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid >= 16384 AND c.relpersistence <> 't' AND n.nspname NOT IN ('information_schema', 'sides_migrate')
          AND n.nspname NOT LIKE 'pg\_%'
    ),
    partitions AS (
        SELECT r.*, i.inhparent, pg_get_expr(r.relpartbound, r.oid) AS bound,
            row_number() OVER (PARTITION BY i.inhparent ORDER BY r.oid DESC) AS place
        FROM relations AS r JOIN pg_inherits AS i ON i.inhrelid = r.oid WHERE r.relispartition AND r.relkind IN ('r', 'p')
    ),
    rights AS (
        SELECT x.grantee, format('GRANT %s ON %s %s TO ', x.privilege_type, CASE r.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, r.name) AS text
        FROM relations AS r, aclexplode(r.relacl) AS x WHERE x.grantee <> r.relowner AND r.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL
        SELECT x.grantee, format('GRANT %s (%I) ON TABLE %s TO ', x.privilege_type, a.attname, r.name)
        FROM relations AS r JOIN pg_attribute AS a ON a.attrelid = r.oid, aclexplode(a.attacl) AS x
        WHERE x.grantee <> r.relowner AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT x.grantee, format('GRANT %s ON SCHEMA %I TO ', x.privilege_type, n.nspname)
        FROM pg_namespace AS n, aclexplode(n.nspacl) AS x WHERE x.grantee <> n.nspowner AND (n.oid >= 16384 OR n.nspname = 'public')
        UNION ALL
        SELECT x.grantee, format('GRANT EXECUTE ON ROUTINE %s TO ', p.oid::regprocedure)
        FROM pg_proc AS p, aclexplode(p.proacl) AS x WHERE x.grantee NOT IN (p.proowner, 0) AND p.oid >= 16384
        UNION ALL
        -- What new tables of this user give to others.
        SELECT x.grantee, format('ALTER DEFAULT PRIVILEGES %s GRANT %s ON %s TO ',
            (SELECT format('IN SCHEMA %I', n.nspname) FROM pg_namespace AS n WHERE n.oid = d.defaclnamespace), x.privilege_type,
            CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END)
        FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS x
        WHERE x.grantee <> d.defaclrole AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = session_user)
    ),
    statements AS (
        SELECT 1 AS step, g.oid::bigint AS place, format('CREATE ROLE %I', g.rolname) AS text
        FROM pg_roles AS g WHERE NOT g.rolsuper AND g.oid >= 16384 AND g.oid IN (SELECT grantee FROM rights)
        UNION ALL
        -- Some stand for all where there are very many, the newest first.
        SELECT 2, p.oid::bigint, format('CREATE TABLE %s PARTITION OF %s %s', p.name, r.name, p.bound)
            || CASE WHEN p.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(p.oid) ELSE '' END
        FROM partitions AS p JOIN relations AS r ON r.oid = p.inhparent
        WHERE p.place <= 50 OR p.bound = 'DEFAULT' OR p.relkind = 'p'
        UNION ALL
        SELECT 3, 0, text || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END
        FROM rights LEFT JOIN pg_roles AS g ON g.oid = grantee WHERE grantee = 0 OR NOT g.rolsuper
        UNION ALL
        SELECT 4, p.oid::bigint, CASE WHEN p.puballtables THEN format('CREATE PUBLICATION %I FOR ALL TABLES', p.pubname) ELSE
            format('CREATE PUBLICATION %I FOR TABLE %s', p.pubname,
                (SELECT string_agg(r.name, ', ') FROM pg_publication_rel AS m JOIN relations AS r ON r.oid = m.prrelid WHERE m.prpubid = p.oid)) END
            || format(' WITH (publish = %L)', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END))
        FROM pg_publication AS p
    )
SELECT step = 2 OR text LIKE 'ALTER DEFAULT%', text FROM statements WHERE text IS NOT NULL ORDER BY step, place, text LIMIT 5000
