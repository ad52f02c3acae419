    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', of, {new_name},
        CASE old.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END);
    IF old.attcompression <> '' THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', of, {new_name},
            CASE old.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END);
    END IF;
