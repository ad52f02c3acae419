    -- Behind a view the owner's rights count. Where rows are hidden from some, they must be hidden by who asks.
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = old) THEN
        IF current_setting('server_version_num')::int < 150000 THEN
            RAISE EXCEPTION 'the row security of % would not hold behind a view: it needs Postgres 15', old;
        END IF;
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = old AND attacl IS NOT NULL) THEN
            RAISE EXCEPTION 'who has rights on single columns of %, which has row security, would lose them behind a view', old;
        END IF;
        EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', new);
    END IF;
    IF EXISTS (SELECT FROM pg_proc AS p JOIN pg_type AS t ON t.oid = ANY (p.proargtypes::oid[]) WHERE t.typrelid = old)
        OR EXISTS (SELECT FROM pg_attribute AS a JOIN pg_type AS t ON a.atttypid IN (t.oid, t.typarray)
                   WHERE t.typrelid = old AND a.attrelid <> old AND a.attnum > 0) THEN
        RAISE EXCEPTION 'functions or columns have the row type of %, which a view would not have', old;
    END IF;
