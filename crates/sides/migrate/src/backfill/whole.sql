-- Why an UPDATE or DELETE of $1 comes to something else in batches; NULL when nothing speaks against it. $2 are the
-- functions it calls, $3 those of them that decide which rows, $4 whether it only sets what is NULL, $5 the relations
-- it reads, $6 the columns it sets, $7 whether it deletes.
WITH RECURSIVE
    target AS (SELECT to_regclass($1)::oid AS oid),
    family AS (
        SELECT oid FROM target
        UNION
        SELECT CASE WHEN i.inhrelid = f.oid THEN i.inhparent ELSE i.inhrelid END
        FROM pg_inherits AS i JOIN family AS f ON f.oid IN (i.inhrelid, i.inhparent)
    ),
    -- What it reads, and what the views among that read.
    reading AS (
        SELECT oid, relname::text AS by FROM pg_class WHERE relname = ANY ($5) AND relkind IN ('r', 'p', 'v', 'f')
        UNION
        SELECT d.refobjid, r.by
        FROM reading AS r JOIN pg_rewrite AS w ON w.ev_class = r.oid JOIN pg_class AS v ON v.oid = r.oid AND v.relkind = 'v'
        JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    ),
    called AS (
        SELECT p.oid, p.proname, p.provolatile,
            p.oid >= 16384 AND NOT EXISTS (
                SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS is_own
        FROM pg_proc AS p WHERE p.proname = ANY ($2)
    ),
    reasons AS (
        SELECT 1 AS rank, format('it calls %s(), which may read %s while it is changed; only a function that is IMMUTABLE cannot', proname, $1) AS why
        FROM called WHERE is_own AND provolatile <> 'i'
        UNION ALL
        SELECT 2, format('%s() decides by chance or by order which rows are met, in each batch anew', proname)
        FROM called WHERE provolatile = 'v' AND proname = ANY ($3)
        UNION ALL
        SELECT 3, format('%s() has another value each time, so the result depends on the order of the rows; where each row '
            || 'needs a value of its own, whichever, set only what is missing: WHERE … IS NULL', proname)
        FROM called WHERE provolatile = 'v' AND NOT $4
        UNION ALL
        SELECT 4, format('%s reads %s while it is changed: a batch would read what the batches before it wrote', r.by, $1)
        FROM reading AS r WHERE r.oid IN (SELECT oid FROM family)
        UNION ALL
        SELECT 5, format('the trigger %s runs once for each statement, and each batch is one', t.tgname)
        FROM pg_trigger AS t
        WHERE t.tgrelid IN (SELECT oid FROM family) AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 1 = 0
          AND t.tgtype & CASE WHEN $7 THEN 8 ELSE 16 END <> 0
        UNION ALL
        SELECT 6, format('the rule %s makes another statement of it', w.rulename)
        FROM pg_rewrite AS w
        WHERE w.ev_class IN (SELECT oid FROM family) AND w.rulename <> '_RETURN' AND w.ev_type = CASE WHEN $7 THEN '4' ELSE '2' END::"char"
        UNION ALL
        SELECT 7, format('the foreign key %s ties rows of %s to each other, which are checked when all are done', k.conname, $1)
        FROM pg_constraint AS k
        WHERE k.contype = 'f' AND k.conrelid IN (SELECT oid FROM family) AND k.confrelid IN (SELECT oid FROM family)
          AND ($7 OR EXISTS (SELECT FROM pg_attribute AS a
                             WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey) AND a.attname = ANY ($6)))
        UNION ALL
        SELECT 8, format('the constraint %s is checked when all rows are done, and between two batches they may break it', k.conname)
        FROM pg_constraint AS k
        WHERE NOT $7 AND k.contype IN ('u', 'p', 'x') AND k.condeferrable AND k.conrelid IN (SELECT oid FROM family)
          AND EXISTS (SELECT FROM pg_attribute AS a
                      WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = ANY ($6))
    )
SELECT (SELECT why FROM reasons ORDER BY rank, why LIMIT 1)
