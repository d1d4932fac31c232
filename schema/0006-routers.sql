-- Networks that reach each other, what is behind their guests, and public addresses that serve a whole network. Only new tables: the version before
-- tells hosts nothing of them, and its documents are followed by this version's with the next change.

-- Writers: the account.
CREATE TABLE routers (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    name       text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, name)
);

CREATE TABLE router_networks (
    router_id  text COLLATE "C" NOT NULL REFERENCES routers ON DELETE CASCADE,
    network_id text COLLATE "C" NOT NULL REFERENCES networks ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    PRIMARY KEY (router_id, network_id)
);
CREATE INDEX router_networks_network ON router_networks (network_id);

-- One account asks, the other consents. Either may end it.
CREATE TABLE network_peerings (
    id              text COLLATE "C" PRIMARY KEY,
    account_id      text COLLATE "C" NOT NULL REFERENCES accounts,
    network_id      text COLLATE "C" NOT NULL REFERENCES networks ON DELETE CASCADE,
    peer_account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    peer_network_id text COLLATE "C" NOT NULL REFERENCES networks ON DELETE CASCADE,
    active          boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL,
    CHECK (network_id <> peer_network_id)
);
CREATE UNIQUE INDEX network_peerings_pair ON network_peerings (least(network_id, peer_network_id), greatest(network_id, peer_network_id));
CREATE INDEX network_peerings_account ON network_peerings (account_id);
CREATE INDEX network_peerings_peer ON network_peerings (peer_account_id);
CREATE INDEX network_peerings_network ON network_peerings (network_id) WHERE active;
CREATE INDEX network_peerings_peer_network ON network_peerings (peer_network_id) WHERE active;

-- Which networks reach which, each pair both ways.
CREATE VIEW network_links AS
SELECT a.network_id, b.network_id AS other_id, r.name AS by FROM router_networks a JOIN router_networks b ON b.router_id = a.router_id AND b.network_id <> a.network_id JOIN routers r ON r.id = a.router_id
UNION SELECT network_id, peer_network_id, id FROM network_peerings WHERE active
UNION SELECT peer_network_id, network_id, id FROM network_peerings WHERE active;

CREATE TABLE network_routes (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    network_id  text COLLATE "C" NOT NULL REFERENCES networks ON DELETE CASCADE,
    destination cidr NOT NULL,
    via         inet NOT NULL,
    created_at  timestamptz NOT NULL,
    CHECK (family(destination) = family(via) AND NOT via <<= destination),
    UNIQUE (network_id, destination)
);

-- Public addresses that serve a network as a whole. Writers: network, is_source by the account; host_id by whoever chooses the host.
CREATE TABLE network_gateways (
    address    inet PRIMARY KEY REFERENCES floating_addresses ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    network_id text COLLATE "C" NOT NULL REFERENCES networks ON DELETE CASCADE,
    is_source  boolean NOT NULL DEFAULT false,
    host_id    text COLLATE "C" REFERENCES hosts ON DELETE SET NULL
);
CREATE INDEX network_gateways_network ON network_gateways (network_id);
CREATE UNIQUE INDEX network_gateways_source ON network_gateways (network_id) WHERE is_source;

CREATE TABLE port_forwards (
    id           text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    address      inet NOT NULL REFERENCES network_gateways ON DELETE CASCADE,
    protocol     text NOT NULL CHECK (protocol IN ('tcp', 'udp')),
    port         integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    interface_id text COLLATE "C" NOT NULL REFERENCES interfaces ON DELETE CASCADE,
    target_port  integer NOT NULL CHECK (target_port BETWEEN 1 AND 65535),
    description  text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL,
    UNIQUE (address, protocol, port)
);
CREATE INDEX port_forwards_interface ON port_forwards (interface_id);
CREATE INDEX port_forwards_account ON port_forwards (account_id, id);
