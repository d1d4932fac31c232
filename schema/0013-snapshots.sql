-- Volumes that instances start from, and snapshots. Use them only once every server is of this version: the version before tells hosts of neither.

-- The store in which the host's agent keeps root disks, as volumes: from then on instances launched there start from one. Writers: reports of the host.
ALTER TABLE store_hosts ADD COLUMN root boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX store_hosts_root ON store_hosts (host_id) WHERE root;

-- The root disk is a volume, and its room the volume's, not the instance's. Writers: whoever launches.
ALTER TABLE instances ADD COLUMN root_volume boolean NOT NULL DEFAULT false;

-- Writers: source_* and restore_* by the account; former_name by whoever deletes it; snapshots by whoever asks for one or finds that one is gone; restored_number and work by reports of its host.
ALTER TABLE volumes DROP CONSTRAINT volumes_slot_check, ADD CONSTRAINT volumes_slot_check CHECK (slot BETWEEN 0 AND 8),
    -- The snapshot that it began with, of a volume in the same store. Both are told to the host until it is made.
    ADD COLUMN source_volume_id   text COLLATE "C",
    ADD COLUMN source_snapshot_id text COLLATE "C",
    ADD COLUMN source_name        text,
    ADD COLUMN restore_snapshot_id text COLLATE "C",
    ADD COLUMN restore_number     bigint NOT NULL DEFAULT 0,
    ADD COLUMN restored_number    bigint NOT NULL DEFAULT 0,
    -- How many of its snapshots are there, or on their way in or out: with any, it is kept for them when it is deleted. Its name is free then: it is called by its id, and this was its name.
    ADD COLUMN former_name        text,
    ADD COLUMN snapshots          integer NOT NULL DEFAULT 0 CHECK (snapshots >= 0),
    ADD COLUMN work               jsonb,
    ADD COLUMN work_at            timestamptz,
    ADD CONSTRAINT volumes_sourced_whole CHECK ((source_volume_id IS NULL) = (source_snapshot_id IS NULL) AND (source_volume_id IS NULL) = (source_name IS NULL)),
    ADD CONSTRAINT volumes_restored_asked CHECK (restored_number <= restore_number),
    ADD CONSTRAINT volumes_former_is_deleted CHECK (former_name IS NULL OR desired = 'deleted'),
    ADD CONSTRAINT volumes_deleted_without_snapshots CHECK (deleted_at IS NULL OR snapshots = 0);
ALTER TABLE volumes DROP COLUMN state;
ALTER TABLE volumes ADD COLUMN state text NOT NULL GENERATED ALWAYS AS (CASE
    WHEN deleted_at IS NOT NULL THEN 'deleted'
    WHEN detached_at IS NOT NULL THEN 'detaching'
    WHEN desired = 'deleted' THEN CASE WHEN snapshots > 0 THEN 'retained' ELSE 'deleting' END
    WHEN restored_number < restore_number THEN 'restoring'
    WHEN instance_id IS NOT NULL THEN CASE WHEN attached THEN 'in-use' ELSE 'attaching' END
    WHEN store_id IS NOT NULL AND made_gib IS NULL THEN 'creating'
    WHEN made_gib < size_gib THEN 'resizing'
    ELSE 'available' END) STORED;
-- Asked before a snapshot is deleted and a volume moves: what is being filled from it.
CREATE INDEX volumes_filling ON volumes (source_volume_id) WHERE source_volume_id IS NOT NULL AND made_gib IS NULL AND deleted_at IS NULL;

-- The content of a volume at one moment. Writers: name, description and desired by the account; taken_at, consistency and used_bytes by reports of the volume's host.
CREATE TABLE snapshots (
    id            text COLLATE "C" PRIMARY KEY,
    account_id    text COLLATE "C" NOT NULL REFERENCES accounts,
    name          text NOT NULL,
    description   text NOT NULL DEFAULT '',
    volume_id     text COLLATE "C" NOT NULL REFERENCES volumes ON DELETE CASCADE,
    -- As it was when it was asked for.
    size_gib      integer NOT NULL,
    -- Those of one group are of the same moment: the id of the first of them. The instance is the one that they were taken of together.
    group_id      text COLLATE "C",
    instance_id   text COLLATE "C",
    instance_name text,
    desired       text NOT NULL DEFAULT 'present' CHECK (desired IN ('present', 'deleted')),
    -- The volume's generation with which its host was told of it, so that those of a volume have an order, and with which it was told that it is to go.
    asked_generation   bigint NOT NULL,
    deleted_generation bigint,
    taken_at      timestamptz,
    consistency   text CHECK (consistency IN ('crash', 'filesystem')),
    used_bytes    bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    created_at    timestamptz NOT NULL,
    state         text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN desired = 'deleted' THEN 'deleting'
        WHEN taken_at IS NULL THEN 'creating'
        ELSE 'available' END) STORED,
    CONSTRAINT snapshots_taken_whole CHECK ((taken_at IS NULL) = (consistency IS NULL)),
    CONSTRAINT snapshots_deleted_whole CHECK ((desired = 'deleted') = (deleted_generation IS NOT NULL))
);
CREATE UNIQUE INDEX snapshots_name ON snapshots (account_id, name);
CREATE UNIQUE INDEX snapshots_volume ON snapshots (volume_id, asked_generation);
