DO $$
DECLARE
    may_set boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        BEGIN
            CREATE ROLE {role} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server was quicker
        END;
    END IF;
    -- Since Postgres 16 who makes a role is a member of it that may not act as it.
    EXECUTE format(
        'SELECT pg_has_role(current_user, ''{role}'', %L)',
        CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
    ) INTO may_set;
    IF NOT may_set THEN
        BEGIN
            EXECUTE format('GRANT {role} TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            NULL; -- made by another user of this server, who alone may grant it
        END;
    END IF;
END
$$;
