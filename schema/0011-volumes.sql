-- Places for volumes, and volumes: disks with a life of their own. Attach volumes only once every server is of this version: the version before does not tell
-- hosts of them, and they would be missing in a guest that is started then.

-- What operators and accounts know places by. A pool begins with the first host that reports a store of its name. Writers: name, driver and shared by that report;
-- the rest by operators.
CREATE TABLE pools (
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    driver       text NOT NULL CHECK (driver IN ('directory')),
    shared       boolean NOT NULL,
    -- Where volumes are made for which no pool is named.
    is_default   boolean NOT NULL DEFAULT false,
    maintenance  boolean NOT NULL DEFAULT false,
    overcommit   numeric(5, 2) NOT NULL DEFAULT 1 CHECK (overcommit BETWEEN 0.1 AND 100),
    warn_percent integer NOT NULL DEFAULT 80 CHECK (warn_percent BETWEEN 1 AND 100),
    created_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX pools_default ON pools (is_default) WHERE is_default;

-- The accounts that may use a pool; without a row all may. Writers: operators.
CREATE TABLE pool_accounts (
    pool_id    text COLLATE "C" NOT NULL REFERENCES pools ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    PRIMARY KEY (pool_id, account_id)
);

-- One place: a directory of one host, or something that several reach. Writers: reports of its hosts; allocated_gib by whoever makes, grows or removes a volume.
CREATE TABLE stores (
    id            text COLLATE "C" PRIMARY KEY CHECK (id ~ '^st-[0-9a-f]{17}$'),
    pool_id       text COLLATE "C" NOT NULL REFERENCES pools,
    -- Its room is the host's own disk_gib, which root disks are counted against, too.
    own           boolean NOT NULL,
    capacity_gib  integer NOT NULL CHECK (capacity_gib >= 0),
    used_gib      integer NOT NULL CHECK (used_gib >= 0),
    allocated_gib bigint NOT NULL DEFAULT 0 CHECK (allocated_gib >= 0),
    reported_at   timestamptz NOT NULL
);
CREATE INDEX stores_pool ON stores (pool_id);

-- Which hosts reach a store.
CREATE TABLE store_hosts (
    store_id    text COLLATE "C" NOT NULL REFERENCES stores ON DELETE CASCADE,
    host_id     text COLLATE "C" NOT NULL REFERENCES hosts ON DELETE CASCADE,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, host_id)
);
CREATE INDEX store_hosts_host ON store_hosts (host_id);

-- What volumes may be used for. Writers: operators.
CREATE TABLE volume_types (
    id             text COLLATE "C" PRIMARY KEY,
    name           text NOT NULL UNIQUE,
    iops           integer CHECK (iops BETWEEN 1 AND 10000000),
    mib_per_second integer CHECK (mib_per_second BETWEEN 1 AND 1000000),
    created_at     timestamptz NOT NULL
);

-- Writers: name to desired and delete_on_termination by the account; store, host and incarnation by whoever places it; made_gib, used_bytes, observed_generation,
-- conditions and attached by reports of its host.
CREATE TABLE volumes (
    id                    text COLLATE "C" PRIMARY KEY,
    account_id            text COLLATE "C" NOT NULL REFERENCES accounts,
    name                  text NOT NULL,
    size_gib              integer NOT NULL CHECK (size_gib BETWEEN 1 AND 65536),
    pool_id               text COLLATE "C" NOT NULL REFERENCES pools,
    type_id               text COLLATE "C" REFERENCES volume_types,
    image_id              text COLLATE "C" REFERENCES images,
    -- A volume of a pool that is not shared gets its place when it is first attached: where its guest is.
    store_id              text COLLATE "C" REFERENCES stores,
    host_id               text COLLATE "C" REFERENCES hosts,
    incarnation           integer NOT NULL DEFAULT 1 CHECK (incarnation >= 1),
    generation            bigint NOT NULL DEFAULT 1,
    observed_generation   bigint NOT NULL DEFAULT 0 CHECK (observed_generation <= generation),
    desired               text NOT NULL DEFAULT 'present' CHECK (desired IN ('present', 'deleted')),
    made_gib              integer CHECK (made_gib >= 0),
    used_bytes            bigint NOT NULL DEFAULT 0 CHECK (used_bytes >= 0),
    instance_id           text COLLATE "C" REFERENCES instances,
    slot                  integer CHECK (slot BETWEEN 1 AND 8),
    -- The instance's generation with which its host was told; it has acted on it when attached is true.
    attached_generation   bigint,
    attached              boolean NOT NULL DEFAULT false,
    detached_at           timestamptz,
    detached_generation   bigint,
    delete_on_termination boolean NOT NULL DEFAULT false,
    conditions            jsonb NOT NULL DEFAULT '[]',
    created_at            timestamptz NOT NULL,
    deleted_at            timestamptz,
    state                 text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN deleted_at IS NOT NULL THEN 'deleted'
        WHEN detached_at IS NOT NULL THEN 'detaching'
        WHEN desired = 'deleted' THEN 'deleting'
        WHEN instance_id IS NOT NULL THEN CASE WHEN attached THEN 'in-use' ELSE 'attaching' END
        WHEN store_id IS NOT NULL AND made_gib IS NULL THEN 'creating'
        WHEN made_gib < size_gib THEN 'resizing'
        ELSE 'available' END) STORED,
    CONSTRAINT volumes_placed CHECK ((store_id IS NULL) = (host_id IS NULL)),
    CONSTRAINT volumes_attached_somewhere CHECK ((instance_id IS NULL) = (slot IS NULL) AND (instance_id IS NULL OR store_id IS NOT NULL)),
    CONSTRAINT volumes_detached_whole CHECK ((detached_at IS NULL) = (detached_generation IS NULL) AND (detached_at IS NULL OR instance_id IS NOT NULL)),
    CONSTRAINT volumes_deleted_is_free CHECK (deleted_at IS NULL OR instance_id IS NULL AND desired = 'deleted')
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX volumes_name ON volumes (account_id, name) WHERE deleted_at IS NULL;
-- One volume has one holder, and a place of a guest one volume.
CREATE UNIQUE INDEX volumes_slot ON volumes (instance_id, slot) WHERE instance_id IS NOT NULL;
CREATE INDEX volumes_host ON volumes (host_id) WHERE deleted_at IS NULL;
CREATE INDEX volumes_leaving ON volumes (instance_id) WHERE detached_at IS NOT NULL;

-- How many volumes it has that are not on the shared storage of its root disk: with any it cannot be started elsewhere. Writers: whoever attaches and frees volumes.
ALTER TABLE instances ADD COLUMN fixed_volumes integer NOT NULL DEFAULT 0 CHECK (fixed_volumes >= 0);
