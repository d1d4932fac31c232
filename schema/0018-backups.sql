-- Backups of volumes, and when they are made. Use them only once every server is of this version: the version before tells hosts of none.

-- Taken for a backup, and shown to nobody: it goes when no backup needs it any more. Its name is the backup's id. Writers: backups only.
ALTER TABLE snapshots ADD COLUMN internal boolean NOT NULL DEFAULT false;

-- The backup that it began with. Told to the host until it is made. Writers: whoever restores.
ALTER TABLE volumes ADD COLUMN source_backup_id text COLLATE "C", ADD COLUMN source_backup_name text,
    ADD CONSTRAINT volumes_restored_whole CHECK ((source_backup_id IS NULL) = (source_backup_name IS NULL) AND (source_backup_id IS NULL OR source_volume_id IS NULL));
CREATE INDEX volumes_filling_backup ON volumes (source_backup_id) WHERE source_backup_id IS NOT NULL AND made_gib IS NULL AND deleted_at IS NULL;

-- What backups are made to, by a name. One begins with the first host that reports a place of its name. Writers: name and shared by that report; warn_percent by operators.
CREATE TABLE backup_stores (
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    shared       boolean NOT NULL,
    warn_percent integer NOT NULL DEFAULT 80 CHECK (warn_percent BETWEEN 1 AND 100),
    created_at   timestamptz NOT NULL
);

-- One place of it: a directory of one host, or something that several reach. Writers: reports of its hosts.
CREATE TABLE backup_places (
    id           text COLLATE "C" PRIMARY KEY CHECK (id ~ '^st-[0-9a-f]{17}$'),
    store_id     text COLLATE "C" NOT NULL REFERENCES backup_stores,
    capacity_gib integer NOT NULL CHECK (capacity_gib >= 0),
    used_gib     integer NOT NULL CHECK (used_gib >= 0),
    reported_at  timestamptz NOT NULL
);
CREATE INDEX backup_places_store ON backup_places (store_id);

-- Which hosts reach a place.
CREATE TABLE backup_place_hosts (
    place_id    text COLLATE "C" NOT NULL REFERENCES backup_places ON DELETE CASCADE,
    host_id     text COLLATE "C" NOT NULL REFERENCES hosts ON DELETE CASCADE,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (place_id, host_id)
);
CREATE INDEX backup_place_hosts_host ON backup_place_hosts (host_id);

-- When backups are made by themselves, and how many stay. Writers: the account; next_at by the loop that makes them.
CREATE TABLE backup_schedules (
    id            text COLLATE "C" PRIMARY KEY,
    account_id    text COLLATE "C" NOT NULL REFERENCES accounts,
    name          text NOT NULL,
    volume_id     text COLLATE "C" NOT NULL REFERENCES volumes ON DELETE CASCADE,
    store_id      text COLLATE "C" REFERENCES backup_stores,
    -- One of both: so many minutes after each other, or each day at this minute of the day in the time zone.
    every_minutes integer CHECK (every_minutes BETWEEN 5 AND 527040),
    at_minute     integer CHECK (at_minute BETWEEN 0 AND 1439),
    time_zone     text NOT NULL DEFAULT 'UTC',
    keep          integer CHECK (keep BETWEEN 1 AND 1000),
    keep_days     integer CHECK (keep_days BETWEEN 1 AND 3660),
    full_every    integer NOT NULL CHECK (full_every BETWEEN 1 AND 100),
    enabled       boolean NOT NULL DEFAULT true,
    next_at       timestamptz NOT NULL,
    -- The slot that was last used, and what became of it.
    last_at       timestamptz,
    conditions    jsonb NOT NULL DEFAULT '[]',
    created_at    timestamptz NOT NULL,
    CONSTRAINT backup_schedules_when CHECK ((every_minutes IS NULL) <> (at_minute IS NULL)),
    CONSTRAINT backup_schedules_keep CHECK (keep IS NOT NULL OR keep_days IS NOT NULL)
);
CREATE UNIQUE INDEX backup_schedules_name ON backup_schedules (account_id, name);
CREATE INDEX backup_schedules_next ON backup_schedules (next_at) WHERE enabled;

-- The content of a volume at one moment, kept apart from it. Writers: name and desired by the account or a schedule; host_id, incarnation and offered by whoever
-- gives it to a host; the rest by reports of that host.
CREATE TABLE backups (
    id               text COLLATE "C" PRIMARY KEY,
    account_id       text COLLATE "C" NOT NULL REFERENCES accounts,
    name             text NOT NULL,
    -- The volume may be gone.
    volume_id        text COLLATE "C" NOT NULL,
    volume_name      text NOT NULL,
    size_gib         integer NOT NULL,
    place_id         text COLLATE "C" NOT NULL REFERENCES backup_places,
    host_id          text COLLATE "C" REFERENCES hosts ON DELETE SET NULL,
    incarnation      integer NOT NULL DEFAULT 1,
    kind             text NOT NULL CHECK (kind IN ('full', 'incremental')),
    parent_id        text COLLATE "C" REFERENCES backups,
    snapshot_id      text COLLATE "C" NOT NULL,
    base_snapshot_id text COLLATE "C",
    desired          text NOT NULL DEFAULT 'present' CHECK (desired IN ('present', 'deleted')),
    -- Its removal is told to its host: nobody begins to read it, or what builds on it, any more.
    offered          boolean NOT NULL DEFAULT false,
    failed           boolean NOT NULL DEFAULT false,
    sha256           text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    moved_bytes      bigint NOT NULL DEFAULT 0 CHECK (moved_bytes >= 0),
    stored_bytes     bigint NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0),
    taken_at         timestamptz,
    consistency      text CHECK (consistency IN ('crash', 'filesystem')),
    conditions       jsonb NOT NULL DEFAULT '[]',
    work             jsonb,
    work_at          timestamptz,
    verify_number    bigint NOT NULL DEFAULT 0,
    verified_number  bigint NOT NULL DEFAULT 0 CHECK (verified_number <= verify_number),
    verified_at      timestamptz,
    damaged          text,
    -- The key that its file is encrypted with: that of its volume, sealed as there; null: the volume is not encrypted.
    sealed_key       bytea,
    schedule_id      text COLLATE "C" REFERENCES backup_schedules ON DELETE SET NULL,
    slot             timestamptz,
    created_at       timestamptz NOT NULL,
    state            text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN desired = 'deleted' THEN 'deleting'
        WHEN failed THEN 'failed'
        WHEN sha256 IS NULL THEN 'creating'
        ELSE 'available' END) STORED,
    CONSTRAINT backups_kind_of_parent CHECK ((kind = 'incremental') = (parent_id IS NOT NULL)),
    CONSTRAINT backups_made_whole CHECK ((sha256 IS NULL) = (taken_at IS NULL) AND (sha256 IS NULL) = (consistency IS NULL))
);
CREATE UNIQUE INDEX backups_name ON backups (account_id, name);
CREATE INDEX backups_volume ON backups (volume_id, id);
CREATE INDEX backups_host ON backups (host_id);
CREATE INDEX backups_parent ON backups (parent_id) WHERE parent_id IS NOT NULL;
-- A volume has one backup under way in a place, so that increments are in a row.
CREATE UNIQUE INDEX backups_under_way ON backups (volume_id, place_id) WHERE sha256 IS NULL AND desired = 'present' AND NOT failed;
-- A slot of a schedule makes one backup, whatever is killed.
CREATE UNIQUE INDEX backups_slot ON backups (schedule_id, slot) WHERE schedule_id IS NOT NULL;
