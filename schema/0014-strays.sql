-- Volumes that hosts have found without a record, and what is remembered of volumes that went with a host that was given up. The version before ignores both.

-- Writers: full reports of the host.
CREATE TABLE stray_volumes (
    host_id       text COLLATE "C" NOT NULL REFERENCES hosts ON DELETE CASCADE,
    id            text COLLATE "C" NOT NULL,
    store_id      text COLLATE "C" NOT NULL REFERENCES stores ON DELETE CASCADE,
    size_gib      integer NOT NULL CHECK (size_gib >= 0),
    used_bytes    bigint NOT NULL CHECK (used_bytes >= 0),
    written_at    timestamptz NOT NULL,
    image_sha256  text,
    first_seen_at timestamptz NOT NULL,
    PRIMARY KEY (host_id, id)
);

-- Whose they were: when they are found again, in the same store, they are offered. Writers: whoever removes a host as lost.
CREATE TABLE lost_volumes (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts ON DELETE CASCADE,
    name       text NOT NULL,
    store_id   text COLLATE "C" NOT NULL,
    image_id   text COLLATE "C",
    type_id    text COLLATE "C",
    host_name  text NOT NULL,
    lost_at    timestamptz NOT NULL
);
CREATE INDEX lost_volumes_account ON lost_volumes (account_id);
