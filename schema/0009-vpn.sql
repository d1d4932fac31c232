-- VPN gateways of networks, by which clients and sites reach them. Only new tables: the version before tells hosts nothing of them, and its documents are
-- followed by this version's with the next change; what serves a gateway it cannot take away.

-- Writers: the account; reported_by, problem by the host that is the gateway.
CREATE TABLE vpns (
    id                    text COLLATE "C" PRIMARY KEY,
    account_id            text COLLATE "C" NOT NULL REFERENCES accounts,
    network_id            text COLLATE "C" NOT NULL UNIQUE REFERENCES networks,
    name                  text NOT NULL,
    address               inet NOT NULL UNIQUE REFERENCES network_gateways,
    -- The address was taken for it, and goes with it.
    takes_address         boolean NOT NULL,
    port                  integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    public_key            text NOT NULL,
    -- With the master key, for this gateway only.
    encrypted_private_key bytea NOT NULL,
    -- The last number that a client got: those of former clients are not given out at once.
    last_number           integer NOT NULL DEFAULT 1,
    -- The host that told of it last, and what keeps it from working there.
    reported_by           text COLLATE "C" REFERENCES hosts ON DELETE SET NULL,
    problem               text,
    created_at            timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

-- Clients have a number, of which their addresses are made; sites have ranges. Writers: the account; handshake_at and what follows by the gateway's host.
CREATE TABLE vpn_peers (
    id                      text COLLATE "C" PRIMARY KEY,
    account_id              text COLLATE "C" NOT NULL REFERENCES accounts,
    vpn_id                  text COLLATE "C" NOT NULL REFERENCES vpns ON DELETE CASCADE,
    name                    text NOT NULL,
    public_key              text NOT NULL,
    number                  integer CHECK (number >= 2),
    configured_endpoint     text,
    encrypted_preshared_key bytea,
    created_at              timestamptz NOT NULL,
    handshake_at            timestamptz,
    endpoint                text,
    bytes_in                bigint NOT NULL DEFAULT 0,
    bytes_out               bigint NOT NULL DEFAULT 0,
    UNIQUE (vpn_id, public_key),
    UNIQUE (vpn_id, number)
);
CREATE UNIQUE INDEX vpn_peers_name ON vpn_peers (vpn_id, (number IS NULL), name);

-- What is reached by a network's gateway: the ranges of clients, and those of each site.
CREATE TABLE vpn_ranges (
    network_id text COLLATE "C" NOT NULL REFERENCES networks,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    vpn_id     text COLLATE "C" NOT NULL REFERENCES vpns ON DELETE CASCADE,
    peer_id    text COLLATE "C" REFERENCES vpn_peers ON DELETE CASCADE,
    range      cidr NOT NULL,
    PRIMARY KEY (network_id, range),
    EXCLUDE USING gist (network_id WITH =, range inet_ops WITH &&)
);
CREATE INDEX vpn_ranges_vpn ON vpn_ranges (vpn_id);
CREATE INDEX vpn_ranges_peer ON vpn_ranges (peer_id);
