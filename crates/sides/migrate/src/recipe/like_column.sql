DO $like$
DECLARE
    of CONSTANT regclass := '{table}';
    old pg_attribute;
    one record;
BEGIN
    -- As {old} is used, so is {new}: rights, comment, statistics, whatever they are in this database.
    SELECT * INTO STRICT old FROM pg_attribute WHERE attrelid = of AND attname = {old_name} AND NOT attisdropped;
    FOR one IN SELECT r.* FROM aclexplode(old.attacl) AS r LOOP
        EXECUTE format('GRANT %s (%I) ON %s TO %s%s', one.privilege_type, {new_name}, of,
            CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END,
            CASE WHEN one.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', of, {new_name}, col_description(of, old.attnum));
    IF coalesce(old.attstattarget, -1) <> -1 THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', of, {new_name}, old.attstattarget);
    END IF;
{more}END
$like$
