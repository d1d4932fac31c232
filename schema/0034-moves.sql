-- Volumes that move to other places, and pools that are emptied. Ask for either only once every server is of this version: the version before starts instances whose volumes
-- move, and knows moved ones by ids that their hosts do not.

ALTER TABLE volumes
    -- What hosts know its data by: another id after each move; null: its own. Writers: whoever notes that it has moved, and who takes a stray back.
    ADD COLUMN data_id        text COLLATE "C",
    -- The record that its new place is kept in meanwhile; with one, it moves. Writers: whoever asks for the move or ends it.
    ADD COLUMN moving_to      text COLLATE "C",
    -- The volume that this record is such a one of: it is in no list. When the move is done it has the former place and data, and is deleted. Writer: whoever asks for the move.
    ADD COLUMN move_source_id text COLLATE "C",
    -- How the volume's host gives its content to the new place. Writers: as above, and the port by reports of that host.
    ADD COLUMN move_incarnation integer,
    ADD COLUMN move_key       bytea,
    ADD COLUMN move_port      integer CHECK (move_port BETWEEN 1 AND 65535),
    -- Why it stays for now in a pool that is emptied. Writer: the loop that empties pools.
    ADD COLUMN drain_reason   text,
    -- One record has the data, also while two exchange theirs.
    ADD CONSTRAINT volumes_data UNIQUE (data_id) DEFERRABLE INITIALLY IMMEDIATE,
    ADD CONSTRAINT volumes_moving_is_present CHECK (moving_to IS NULL OR desired = 'present'),
    ADD CONSTRAINT volumes_moved_whole CHECK ((move_source_id IS NOT NULL) = (move_incarnation IS NOT NULL) AND (move_source_id IS NOT NULL OR move_key IS NULL AND move_port IS NULL));
CREATE UNIQUE INDEX volumes_moving ON volumes (moving_to) WHERE moving_to IS NOT NULL;
CREATE INDEX volumes_move_source ON volumes (move_source_id) WHERE move_source_id IS NOT NULL;
CREATE INDEX volumes_pool ON volumes (pool_id) WHERE deleted_at IS NULL;

ALTER TABLE volumes DROP COLUMN state;
ALTER TABLE volumes ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (CASE
    WHEN deleted_at IS NOT NULL THEN 'deleted'
    WHEN detached_at IS NOT NULL THEN 'detaching'
    WHEN desired = 'deleted' THEN CASE WHEN snapshots > 0 THEN 'retained' ELSE 'deleting' END
    WHEN moving_to IS NOT NULL THEN 'moving'
    WHEN restored_number < restore_number THEN 'restoring'
    WHEN instance_id IS NOT NULL THEN CASE WHEN attached THEN 'in-use' ELSE 'attaching' END
    WHEN store_id IS NOT NULL AND made_gib IS NULL THEN 'creating'
    WHEN made_gib < size_gib THEN 'resizing'
    ELSE 'available' END) STORED;

-- The data that a volume lost with its host had, and that a backup is of, whose key its file has; null: the volume's own. Writers: as of the rest of the row.
ALTER TABLE lost_volumes ADD COLUMN data_id text COLLATE "C";
ALTER TABLE backups ADD COLUMN data_id text COLLATE "C";

-- The pool that its volumes are moved to as soon as no guest has them; null: they stay. Writers: operators.
ALTER TABLE pools ADD COLUMN drain_pool_id text COLLATE "C" REFERENCES pools,
    ADD CONSTRAINT pools_drained_elsewhere CHECK (drain_pool_id <> id AND (drain_pool_id IS NULL OR maintenance));

-- What a volume is moved to is no volume of its account's.
CREATE OR REPLACE FUNCTION usage_of(v volumes) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS
    $$ SELECT * FROM (VALUES ('volumes', 1::bigint), ('volume-gib', v.size_gib::bigint)) AS u WHERE v.desired <> 'deleted' AND v.deleted_at IS NULL AND v.image_upload_id IS NULL AND v.move_source_id IS NULL $$;
