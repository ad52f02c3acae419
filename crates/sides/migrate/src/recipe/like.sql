DO $like$
DECLARE
    old CONSTANT regclass := '{old}';
    new CONSTANT regclass := '{new}';
    kind CONSTANT text := '{kind}';
    one record;
BEGIN
    -- As the table was used, so is {new}: owner, rights, comments, whatever they are in this database.
    EXECUTE format('ALTER %s %s OWNER TO %s', kind, new, (SELECT relowner::regrole FROM pg_class WHERE oid = old));
    FOR one IN SELECT DISTINCT r.grantee FROM pg_class AS c, aclexplode(c.relacl) AS r WHERE c.oid = new LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', new,
            CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END);
    END LOOP;
    FOR one IN
        SELECT '' AS columns, r.* FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS r WHERE c.oid = old
        UNION ALL
        SELECT format(' (%I)', a.attname), r.* FROM pg_attribute AS a, aclexplode(a.attacl) AS r WHERE a.attrelid = old AND NOT a.attisdropped
    LOOP
        EXECUTE format('GRANT %s%s ON %s TO %s%s', one.privilege_type, one.columns, new,
            CASE one.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(one.grantee)) END,
            CASE WHEN one.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    EXECUTE format('COMMENT ON %s %s IS %L', kind, new, obj_description(old, 'pg_class'));
    FOR one IN
        SELECT attname, col_description(old, attnum) AS comment FROM pg_attribute
        WHERE attrelid = old AND attnum > 0 AND NOT attisdropped AND col_description(old, attnum) IS NOT NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', new, one.attname, one.comment);
    END LOOP;
{more}END
$like$
