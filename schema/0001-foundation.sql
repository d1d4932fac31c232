-- The records of one machine's or a whole data centre's cloud. Every resource carries its account from the start; what must
-- never happen is a constraint here, so that a bug in the program meets an error and not corrupt data.
-- Text is compared by bytes for ids ("C"), since ids sort by age.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE accounts (
    id         text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('operator', 'tenant')),
    created_at timestamptz NOT NULL
);
-- One operator account runs a cloud.
CREATE UNIQUE INDEX accounts_one_operator ON accounts (kind) WHERE kind = 'operator';

CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY,
    account_id    text COLLATE "C" NOT NULL REFERENCES accounts,
    name          text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role          text NOT NULL CHECK (role IN ('admin', 'member', 'reader')),
    created_at    timestamptz NOT NULL
);
CREATE INDEX users_account ON users (account_id, id);

CREATE TABLE tokens (
    id           text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    user_id      text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('session', 'api')),
    name         text,
    secret_hash  bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    CHECK (kind = 'api' OR expires_at IS NOT NULL),
    CHECK (kind = 'session' OR name IS NOT NULL)
);
CREATE INDEX tokens_user ON tokens (user_id, id);
CREATE UNIQUE INDEX tokens_user_name ON tokens (user_id, name) WHERE name IS NOT NULL;

-- Failed logins, by user name and by address; a row is forgotten once its window is over.
CREATE TABLE login_failures (
    key        text PRIMARY KEY,
    failures   integer NOT NULL CHECK (failures > 0),
    window_end timestamptz NOT NULL
);

-- The cloud's certificate authority for hosts. The key is encrypted with the master key, which is not in the database.
CREATE TABLE authority (
    single        boolean PRIMARY KEY DEFAULT true CHECK (single),
    certificate   text NOT NULL,
    encrypted_key bytea NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE zones (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

-- Writers: identity, schedulable by operators; facts, heard_at, strays, conditions by the host's reports; allocated_* and revision by
-- whoever changes what the host should have, in the same transaction.
CREATE TABLE hosts (
    id                   text COLLATE "C" PRIMARY KEY,
    account_id           text COLLATE "C" NOT NULL REFERENCES accounts,
    zone_id              text COLLATE "C" NOT NULL REFERENCES zones,
    name                 text NOT NULL UNIQUE,
    schedulable          boolean NOT NULL DEFAULT true,
    certificate_serial   text NOT NULL,
    hypervisor           text NOT NULL,
    accelerator          text NOT NULL,
    accelerator_reason   text NOT NULL,
    address              text NOT NULL,
    agent_version        text NOT NULL,
    boot_id              text NOT NULL,
    vcpus                integer NOT NULL CHECK (vcpus >= 0),
    memory_mib           integer NOT NULL CHECK (memory_mib >= 0),
    disk_gib             integer NOT NULL CHECK (disk_gib >= 0),
    allocated_vcpus      integer NOT NULL DEFAULT 0 CHECK (allocated_vcpus >= 0),
    allocated_memory_mib integer NOT NULL DEFAULT 0 CHECK (allocated_memory_mib >= 0),
    allocated_disk_gib   integer NOT NULL DEFAULT 0 CHECK (allocated_disk_gib >= 0),
    instances            integer NOT NULL DEFAULT 0 CHECK (instances >= 0),
    revision             bigint NOT NULL DEFAULT 1,
    strays               text[] NOT NULL DEFAULT '{}',
    conditions           jsonb NOT NULL DEFAULT '[]',
    state                text NOT NULL DEFAULT 'up' CHECK (state IN ('up', 'unreachable')),
    created_at           timestamptz NOT NULL,
    heard_at             timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE join_tokens (
    secret_hash bytea PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    zone_id     text COLLATE "C" NOT NULL REFERENCES zones ON DELETE CASCADE,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE TABLE flavors (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    name       text NOT NULL UNIQUE,
    vcpus      integer NOT NULL CHECK (vcpus BETWEEN 1 AND 512),
    memory_mib integer NOT NULL CHECK (memory_mib BETWEEN 64 AND 16777216),
    disk_gib   integer NOT NULL CHECK (disk_gib BETWEEN 1 AND 65536),
    created_at timestamptz NOT NULL
);

-- Writers: description by the account; received_bytes and the rest by whoever holds the lease while the bytes come in.
CREATE TABLE images (
    id                 text COLLATE "C" PRIMARY KEY,
    account_id         text COLLATE "C" NOT NULL REFERENCES accounts,
    name               text NOT NULL,
    visibility         text NOT NULL CHECK (visibility IN ('private', 'public')),
    state              text NOT NULL CHECK (state IN ('pending', 'available', 'failed', 'deleted')),
    format             text NOT NULL CHECK (format IN ('qcow2', 'raw')),
    source_url         text,
    trusted_source     boolean NOT NULL DEFAULT false,
    expected_sha256    text,
    default_user       text NOT NULL,
    size_bytes         bigint CHECK (size_bytes > 0),
    virtual_size_bytes bigint CHECK (virtual_size_bytes > 0),
    sha256             text,
    received_bytes     bigint NOT NULL DEFAULT 0,
    expected_bytes     bigint,
    conditions         jsonb NOT NULL DEFAULT '[]',
    attempts           integer NOT NULL DEFAULT 0,
    lease_holder       text,
    lease_until        timestamptz,
    created_at         timestamptz NOT NULL,
    deleted_at         timestamptz,
    CHECK (state <> 'available' OR (size_bytes IS NOT NULL AND virtual_size_bytes IS NOT NULL AND sha256 IS NOT NULL))
);
CREATE UNIQUE INDEX images_name ON images (account_id, name) WHERE deleted_at IS NULL;
CREATE INDEX images_public ON images (id) WHERE visibility = 'public' AND deleted_at IS NULL;
CREATE INDEX images_sha256 ON images (sha256) WHERE deleted_at IS NULL;

CREATE TABLE key_pairs (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    name        text NOT NULL,
    type        text NOT NULL,
    fingerprint text NOT NULL,
    public_key  text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

CREATE SEQUENCE network_vni AS integer MINVALUE 1 MAXVALUE 16777215 CYCLE;

CREATE TABLE networks (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    name       text NOT NULL,
    vni        integer NOT NULL UNIQUE CHECK (vni BETWEEN 1 AND 16777215),
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE subnets (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    network_id  text COLLATE "C" NOT NULL REFERENCES networks,
    name        text NOT NULL,
    cidr        cidr NOT NULL,
    gateway     inet NOT NULL,
    dns_servers text[] NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    UNIQUE (network_id, name),
    CHECK (family(cidr) = 4 AND masklen(cidr) BETWEEN 16 AND 28),
    CHECK (gateway << cidr),
    -- Ranges within one network never overlap, so an address names one interface.
    EXCLUDE USING gist (network_id WITH =, cidr inet_ops WITH &&)
);

CREATE TABLE security_groups (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE security_group_rules (
    id                text COLLATE "C" PRIMARY KEY,
    account_id        text COLLATE "C" NOT NULL REFERENCES accounts,
    security_group_id text COLLATE "C" NOT NULL REFERENCES security_groups ON DELETE CASCADE,
    direction         text NOT NULL CHECK (direction IN ('ingress', 'egress')),
    protocol          text NOT NULL CHECK (protocol IN ('tcp', 'udp', 'icmp', 'any')),
    from_port         integer,
    to_port           integer,
    cidr              cidr,
    peer_group_id     text COLLATE "C" REFERENCES security_groups,
    description       text,
    CHECK ((cidr IS NULL) <> (peer_group_id IS NULL)),
    CHECK (protocol <> 'any' OR (from_port IS NULL AND to_port IS NULL)),
    CHECK (protocol NOT IN ('tcp', 'udp') OR
           ((from_port IS NULL) = (to_port IS NULL) AND (from_port IS NULL OR (from_port BETWEEN 1 AND 65535 AND to_port BETWEEN from_port AND 65535)))),
    CHECK (protocol <> 'icmp' OR ((from_port IS NULL OR from_port BETWEEN 0 AND 255) AND (to_port IS NULL OR (from_port IS NOT NULL AND to_port BETWEEN 0 AND 255))))
);
CREATE INDEX security_group_rules_group ON security_group_rules (security_group_id, id);
CREATE INDEX security_group_rules_peer ON security_group_rules (peer_group_id) WHERE peer_group_id IS NOT NULL;

-- Writers: desired, boot_epoch, generation, placement by use cases; power, observed_*, started_at, terminated_at, conditions by the
-- host's reports. The state is computed from both and can be set by nobody.
CREATE TABLE instances (
    id                  text COLLATE "C" PRIMARY KEY,
    account_id          text COLLATE "C" NOT NULL REFERENCES accounts,
    name                text NOT NULL,
    hostname            text NOT NULL,
    flavor_id           text COLLATE "C" NOT NULL,
    flavor_name         text NOT NULL,
    vcpus               integer NOT NULL,
    memory_mib          integer NOT NULL,
    disk_gib            integer NOT NULL,
    image_id            text COLLATE "C" NOT NULL REFERENCES images,
    key_pair_id         text COLLATE "C",
    key_pair_name       text,
    public_key          text,
    user_data           text,
    zone_id             text COLLATE "C" NOT NULL REFERENCES zones,
    host_id             text COLLATE "C" NOT NULL REFERENCES hosts,
    incarnation         integer NOT NULL DEFAULT 1,
    desired             text NOT NULL CHECK (desired IN ('running', 'stopped', 'terminated')),
    boot_epoch          integer NOT NULL DEFAULT 1,
    generation          bigint NOT NULL DEFAULT 1,
    power               text NOT NULL DEFAULT 'absent' CHECK (power IN ('absent', 'stopped', 'running', 'shutdown')),
    observed_generation bigint NOT NULL DEFAULT 0,
    observed_epoch      integer NOT NULL DEFAULT 0,
    started_at          timestamptz,
    conditions          jsonb NOT NULL DEFAULT '[]',
    created_at          timestamptz NOT NULL,
    terminated_at       timestamptz,
    state               text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN terminated_at IS NOT NULL THEN 'terminated'
             WHEN desired = 'terminated' THEN 'shutting-down'
             WHEN desired = 'stopped' THEN
                 CASE WHEN power IN ('running', 'shutdown') OR observed_generation < generation THEN 'stopping' ELSE 'stopped' END
             WHEN power = 'running' THEN 'running'
             ELSE 'pending' END) STORED,
    CHECK (terminated_at IS NULL OR desired = 'terminated'),
    CHECK (observed_generation <= generation)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX instances_name ON instances (account_id, name) WHERE terminated_at IS NULL;
CREATE INDEX instances_account ON instances (account_id, id) WHERE terminated_at IS NULL;
CREATE INDEX instances_host ON instances (host_id) WHERE terminated_at IS NULL;
CREATE INDEX instances_image ON instances (image_id) WHERE terminated_at IS NULL;
CREATE INDEX instances_terminated ON instances (terminated_at) WHERE terminated_at IS NOT NULL;

CREATE TABLE interfaces (
    id              text COLLATE "C" PRIMARY KEY,
    account_id      text COLLATE "C" NOT NULL REFERENCES accounts,
    instance_id     text COLLATE "C" NOT NULL REFERENCES instances ON DELETE CASCADE,
    network_id      text COLLATE "C" NOT NULL REFERENCES networks,
    subnet_id       text COLLATE "C" NOT NULL REFERENCES subnets,
    device_index    integer NOT NULL,
    mac_address     macaddr NOT NULL,
    address         inet NOT NULL,
    released_at     timestamptz
);
-- One holder per address and per MAC address, and the record of past holders beside it.
CREATE UNIQUE INDEX interfaces_address ON interfaces (subnet_id, address) WHERE released_at IS NULL;
CREATE UNIQUE INDEX interfaces_mac ON interfaces (network_id, mac_address) WHERE released_at IS NULL;
CREATE INDEX interfaces_instance ON interfaces (instance_id, device_index);
CREATE INDEX interfaces_network ON interfaces (network_id) WHERE released_at IS NULL;

CREATE TABLE interface_security_groups (
    interface_id      text COLLATE "C" NOT NULL REFERENCES interfaces ON DELETE CASCADE,
    security_group_id text COLLATE "C" NOT NULL REFERENCES security_groups,
    account_id        text COLLATE "C" NOT NULL REFERENCES accounts,
    PRIMARY KEY (interface_id, security_group_id)
);
CREATE INDEX interface_security_groups_group ON interface_security_groups (security_group_id);

CREATE TABLE floating_ranges (
    cidr       cidr PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    created_at timestamptz NOT NULL
);

CREATE TABLE floating_addresses (
    address      inet PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    interface_id text COLLATE "C" NOT NULL UNIQUE REFERENCES interfaces ON DELETE CASCADE,
    created_at   timestamptz NOT NULL
);

-- A viewer of a console waits for the host to connect. The ticket is used once; the row goes when the viewer does.
CREATE TABLE console_sessions (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    instance_id text COLLATE "C" NOT NULL REFERENCES instances ON DELETE CASCADE,
    kind        text NOT NULL CHECK (kind IN ('serial', 'screen', 'log')),
    ticket_hash bytea UNIQUE,
    connected   boolean NOT NULL DEFAULT false,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX console_sessions_instance ON console_sessions (instance_id);

-- The first answer to a create with an Idempotency-Key, in the same transaction as what it made.
CREATE TABLE idempotency_keys (
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    status       integer,
    response     jsonb,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The universal log. Readers that follow it order by (xid, id) and stop before the oldest running transaction, so that a row
-- that commits late is not passed over. account_id has no reference: the log outlives the account.
CREATE TABLE events (
    id             text COLLATE "C" NOT NULL,
    at             timestamptz NOT NULL,
    xid            xid8 NOT NULL DEFAULT pg_current_xact_id(),
    account_id     text COLLATE "C" NOT NULL,
    actor_kind     text NOT NULL CHECK (actor_kind IN ('user', 'host', 'system')),
    actor_id       text COLLATE "C",
    actor_name     text,
    token_id       text COLLATE "C",
    source_address inet,
    request_id     text,
    action         text NOT NULL,
    resource_type  text NOT NULL,
    resource_id    text COLLATE "C" NOT NULL,
    resource_name  text NOT NULL,
    message        text,
    changes        jsonb,
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_account ON events (account_id, id);
CREATE INDEX events_resource ON events (resource_id, id);
CREATE INDEX events_follow ON events (xid, id);
