contract CREATE PUBLICATION feed FOR TABLE parts
contract ALTER TABLE parent REPLICA IDENTITY NOTHING; CREATE PUBLICATION named FOR TABLE parent
expand CREATE PUBLICATION named FOR TABLE parent
expand ALTER TABLE child ADD COLUMN c text NOT NULL DEFAULT ''
refused ALTER TABLE child ADD COLUMN c int REFERENCES parent (id)
contract ALTER TABLE child ADD COLUMN c int; ALTER TABLE child ADD FOREIGN KEY (c) REFERENCES parent (id) NOT VALID
refused ALTER TABLE parent ADD COLUMN code int GENERATED ALWAYS AS IDENTITY
contract ALTER TABLE child ADD CONSTRAINT note_short CHECK (length(note) < 50) NOT VALID
contract CREATE UNIQUE INDEX CONCURRENTLY parent_u ON parent (id); ALTER TABLE parent ADD CONSTRAINT parent_uq UNIQUE USING INDEX parent_u
expand ALTER TABLE feelings ALTER COLUMN n SET DEFAULT 1
contract ALTER TABLE feelings ALTER COLUMN id SET DEFAULT 5
contract ALTER SEQUENCE live_ids RESTART WITH 1
contract SELECT setval('live_ids', 1)
contract ALTER SEQUENCE live_ids INCREMENT BY -1
expand ALTER SEQUENCE live_ids OWNED BY feelings.id
refused DROP SEQUENCE live_ids CASCADE
refused ALTER DOMAIN small ADD CONSTRAINT low CHECK (VALUE < 100000)
contract ALTER DOMAIN small ADD CONSTRAINT low CHECK (VALUE < 100000) NOT VALID
refused ALTER DOMAIN small SET NOT NULL
refused ALTER TYPE mood RENAME VALUE 'wild' TO 'mad'
expand ALTER TYPE mood ADD VALUE 'mild' BEFORE 'wild'
contract ALTER TYPE pair ADD ATTRIBUTE z int CASCADE
refused DELETE FROM pg_enum WHERE enumlabel = 'calm'
refused UPDATE pg_attribute SET attnotnull = true WHERE attrelid = 'child'::regclass AND attname = 'note'
refused LOCK TABLE parent IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.4)
expand SELECT pg_sleep(0.4); ALTER TABLE parent ADD COLUMN c int
refused ALTER TABLE parent ADD COLUMN c int; SELECT pg_sleep(0.4)
expand SELECT pg_advisory_xact_lock(1)
expand CREATE TABLE heir () INHERITS (parent)
expand CREATE TRIGGER late AFTER UPDATE ON parent FOR EACH STATEMENT EXECUTE FUNCTION plain()
contract CREATE OR REPLACE FUNCTION plain() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
contract ALTER FUNCTION answer() RENAME TO reply
contract CREATE FUNCTION answer(x int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT x'
contract ALTER FUNCTION answer() SET search_path = shelf
contract ALTER FUNCTION plain() SET statement_timeout = '1ms'
contract ALTER TABLE child DISABLE TRIGGER kept
contract ALTER TABLE parent ENABLE ROW LEVEL SECURITY; ALTER TABLE parent FORCE ROW LEVEL SECURITY
refused ALTER TABLE child SET SCHEMA shelf
fails SET statement_timeout = '1ms'; CREATE TABLE long AS SELECT n FROM generate_series(1, 1000000) n
backfill SET session_replication_role = replica; UPDATE child SET note = 'x' WHERE id = 1
fails DISCARD ALL
expand DEALLOCATE ALL; RESET ALL; ALTER TABLE parent ADD COLUMN c int
fails BEGIN; ALTER TABLE child ADD COLUMN c int; COMMIT
fails COMMIT; ALTER TABLE child ADD COLUMN c int
fails ROLLBACK; ALTER TABLE child ADD COLUMN c int
expand CREATE INDEX CONCURRENTLY one ON child (note); DROP INDEX CONCURRENTLY one
expand ALTER INDEX child_parent RENAME TO child_of
refused ALTER TABLE parts DETACH PARTITION parts_high
refused CREATE TABLE parts_more PARTITION OF parts FOR VALUES FROM (100000) TO (200000)
expand ALTER TABLE parts ADD COLUMN extra int DEFAULT 5
expand CREATE OR REPLACE VIEW seen AS SELECT id, name, size FROM parent
contract DROP VIEW seen; CREATE VIEW seen AS SELECT id, name FROM parent
refused DROP MATERIALIZED VIEW sums; CREATE MATERIALIZED VIEW sums AS SELECT id, size FROM parent
backfill DELETE FROM child WHERE id IN (SELECT id FROM child ORDER BY id LIMIT 100)
backfill INSERT INTO parent (id) SELECT generate_series(50001, 50010)
refused MERGE INTO child USING parent ON child.parent_id = parent.id WHEN MATCHED THEN UPDATE SET note = 'm'
refused ALTER TABLE child ALTER COLUMN at TYPE timestamp
contract ALTER TABLE child ALTER COLUMN at DROP DEFAULT
contract CREATE RULE kept AS ON DELETE TO child DO INSTEAD NOTHING
expand ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC
expand CREATE EVENT TRIGGER seen ON ddl_command_end EXECUTE FUNCTION watching()
contract DROP TABLE IF EXISTS child; CREATE TABLE child (id int PRIMARY KEY, parent_id int, note varchar(60), amount numeric(10, 2), at timestamptz)
refused ALTER TABLE child RENAME TO kid; CREATE VIEW child AS SELECT * FROM kid
refused CREATE TYPE mood2 AS ENUM ('calm', 'wild'); ALTER TABLE feelings ALTER COLUMN mood DROP DEFAULT; ALTER TABLE feelings ALTER COLUMN mood TYPE mood2 USING mood::text::mood2
expand CREATE TEMP TABLE gone (id int) ON COMMIT DROP
expand SELECT pg_advisory_lock(1)
contract CREATE FUNCTION lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1::text'
contract CREATE CAST (bigint AS text) WITH INOUT AS IMPLICIT
contract CREATE OPERATOR || (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)
expand CREATE FUNCTION total(int) RETURNS int LANGUAGE sql AS 'SELECT $1'
expand CREATE TABLE other (LIKE parent); ALTER TABLE other INHERIT parent
refused COPY parent TO '/tmp/sides-never-written'
refused COPY parent (id) FROM '/etc/hostname'
refused SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
refused ALTER TABLE child ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY
expand ALTER TABLE child ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (START WITH 1000000)
contract ALTER TABLE child ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY; SELECT setval(pg_get_serial_sequence('child', 'id'), max(id)) FROM child
