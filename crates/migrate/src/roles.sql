DO $$
BEGIN
    IF to_regnamespace('sides') IS NULL THEN
        RETURN; -- everything was reverted
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sides_clock') THEN
        IF NOT (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            RETURN;
        END IF;
        BEGIN
            CREATE ROLE sides_clock NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database of this server was faster
        END;
        EXECUTE format('GRANT sides_clock TO %I', current_user);
    END IF;
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    EXECUTE format('GRANT ALL ON SCHEMA public TO %I', current_user);
    GRANT USAGE ON SCHEMA sides TO sides_clock;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sides TO sides_clock;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA sides TO sides_clock;
END
$$;
