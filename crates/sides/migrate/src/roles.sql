DO $$
DECLARE
    reader oid;
    taken text;
BEGIN
    IF to_regnamespace('sides') IS NULL THEN
        -- Everything was reverted: what was taken is given back.
        FOR taken IN DELETE FROM sides_migrate.taken_from_public RETURNING privilege LOOP
            EXECUTE format('GRANT %s ON SCHEMA public TO PUBLIC', taken);
        END LOOP;
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        RETURN;
    END IF;

    GRANT USAGE ON SCHEMA sides TO {role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sides TO {role};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA sides TO {role};

    -- Only who owns the schema can close it, and it is closed once: whoever opens it again has a reason.
    IF EXISTS (
        SELECT FROM pg_namespace AS schema, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS rights
        WHERE nspname = 'public' AND rights.grantee = 0 AND pg_has_role(current_user, nspowner, 'USAGE')
    ) THEN
        -- Who has been given something in it keeps the way in.
        FOR reader IN
            SELECT DISTINCT rights.grantee FROM pg_class AS relation, aclexplode(relation.relacl) AS rights
            WHERE relation.relnamespace = 'public'::regnamespace
              AND rights.grantee <> 0 AND rights.grantee <> relation.relowner
        LOOP
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %s', reader::regrole);
        END LOOP;
        INSERT INTO sides_migrate.taken_from_public
        SELECT rights.privilege_type
        FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) AS rights
        WHERE nspname = 'public' AND rights.grantee = 0
        ON CONFLICT DO NOTHING;
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;
END
$$;
