-- keep_history for one table, so that each can have a transaction of its own: with both in one, it holds partitions of
-- the first while it waits for those of the second, and whoever reads both in one statement may hold them the other
-- way round. The older one, for both tables, stays for the releases that call it.
CREATE FUNCTION sides.keep_history(keep interval, parent text) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' SET timezone = 'UTC' AS $$
DECLARE
    at_column text := CASE parent WHEN 'job_history' THEN 'finished_at' WHEN 'job_attempts' THEN 'ended_at' END;
    partition text;
    day timestamptz;
    dropped integer := 0;
BEGIN
    IF at_column IS NULL THEN
        RAISE EXCEPTION 'no history is kept in %', coalesce(quote_literal(parent), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name job_history or job_attempts.';
    END IF;
    -- One at a time, the older function included; who comes second leaves it to the first, or to the next time.
    IF NOT pg_try_advisory_xact_lock(hashtext('sides.keep_history')) THEN
        RETURN 0;
    END IF;
    -- Dropping goes first: it locks the parent. Behind an attachment, which locks the default partition, it would
    -- lock the two in the other order than readers do.
    FOR partition IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = ('sides.' || parent)::regclass AND relname ~ '_\d{8}$'
          AND to_date(right(relname, 8), 'YYYYMMDD') + 1 <= now() - keep
    LOOP
        EXECUTE format('DROP TABLE sides.%I', partition);
        dropped := dropped + 1;
    END LOOP;
    FOR day IN SELECT generate_series(date_trunc('day', now()), now() + interval '3 days', '1 day') LOOP
        partition := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass('sides.' || partition) IS NOT NULL;
        -- Attached, not created in place: that would wait for every writer. A day of which the default partition
        -- has rows already stays there: moving them would hide them from who reads just now.
        BEGIN
            EXECUTE format('CREATE TABLE sides.%I (LIKE sides.%I INCLUDING DEFAULTS)', partition, parent);
            EXECUTE format(
                'ALTER TABLE sides.%I ATTACH PARTITION sides.%I FOR VALUES FROM (%L) TO (%L)',
                parent, partition, day, day + interval '1 day'
            );
        EXCEPTION WHEN check_violation THEN
            NULL;
        END;
    END LOOP;
    EXECUTE format('DELETE FROM sides.%I WHERE %I < now() - $1', parent || '_default', at_column) USING keep;
    RETURN dropped;
END
$$;
