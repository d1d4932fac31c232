-- Load balancers: an address of a network, listeners at it, and the interfaces that get their connections. Only new tables: the version before tells hosts
-- nothing of them, its documents are followed by this version's with the next change, and what it would remove of theirs is refused by the references.

-- Writers: the account. The address is held in subnet_addresses.
CREATE TABLE load_balancers (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    network_id  text COLLATE "C" NOT NULL REFERENCES networks,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    subnet_id   text COLLATE "C" NOT NULL,
    address     inet NOT NULL,
    subnet6_id  text COLLATE "C",
    address6    inet,
    created_at  timestamptz NOT NULL,
    UNIQUE (account_id, name),
    UNIQUE (subnet_id, address),
    UNIQUE (subnet6_id, address6),
    FOREIGN KEY (subnet_id, address) REFERENCES subnet_addresses (subnet_id, address),
    FOREIGN KEY (subnet6_id, address6) REFERENCES subnet_addresses (subnet_id, address),
    CHECK ((subnet6_id IS NULL) = (address6 IS NULL)),
    CHECK (address6 IS NULL OR family(address) = 4 AND family(address6) = 6)
);
-- By triggers, as interfaces hold theirs: an address has one holder, and rests when it was given back.
CREATE FUNCTION hold_load_balancer_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE held bigint;
BEGIN
    IF EXISTS (SELECT 1 FROM subnets s WHERE s.id = NEW.subnet_id AND NOT NEW.address << s.cidr OR s.id = NEW.subnet6_id AND NOT NEW.address6 << s.cidr) THEN
        RAISE check_violation USING MESSAGE = 'a load balancer has an address outside its subnet';
    END IF;
    INSERT INTO subnet_addresses AS s (subnet_id, address, account_id, kind)
    SELECT n.subnet_id, n.address, NEW.account_id, 'load-balancer' FROM (VALUES (NEW.subnet_id, NEW.address), (NEW.subnet6_id, NEW.address6)) AS n(subnet_id, address)
    WHERE n.address IS NOT NULL ORDER BY 1, 2
    ON CONFLICT (subnet_id, address) DO UPDATE SET account_id = excluded.account_id, kind = excluded.kind, interface_id = NULL, released_at = NULL
    WHERE s.released_at IS NOT NULL;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held < 1 + (NEW.address6 IS NOT NULL)::int THEN RAISE unique_violation USING MESSAGE = 'an address is held already'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_addresses BEFORE INSERT ON load_balancers FOR EACH ROW EXECUTE FUNCTION hold_load_balancer_addresses();

CREATE FUNCTION rest_load_balancer_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE subnet_addresses SET released_at = clock_timestamp() WHERE kind = 'load-balancer' AND (subnet_id, address) IN ((OLD.subnet_id, OLD.address), (OLD.subnet6_id, OLD.address6));
    RETURN NULL;
END $$;
CREATE TRIGGER rest_addresses AFTER DELETE ON load_balancers FOR EACH ROW EXECUTE FUNCTION rest_load_balancer_addresses();

CREATE INDEX load_balancers_network ON load_balancers (network_id);
CREATE INDEX load_balancers_subnet6 ON load_balancers (subnet6_id) WHERE subnet6_id IS NOT NULL;

-- Writers: the account. The key is encrypted under the servers' master key, for its own row.
CREATE TABLE load_balancer_listeners (
    id                      text COLLATE "C" PRIMARY KEY,
    account_id              text COLLATE "C" NOT NULL REFERENCES accounts,
    load_balancer_id        text COLLATE "C" NOT NULL REFERENCES load_balancers ON DELETE CASCADE,
    protocol                text NOT NULL CHECK (protocol IN ('tcp', 'udp', 'http', 'https', 'tls')),
    transport               text NOT NULL GENERATED ALWAYS AS (CASE protocol WHEN 'udp' THEN 'udp' ELSE 'tcp' END) STORED,
    port                    integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    algorithm               text NOT NULL CHECK (algorithm IN ('round-robin', 'least-connections', 'source')),
    stickiness              text NOT NULL CHECK (stickiness IN ('none', 'cookie')),
    sends_proxy             boolean NOT NULL,
    certificate             text,
    encrypted_key           bytea,
    health_protocol         text NOT NULL CHECK (health_protocol IN ('tcp', 'http', 'none')),
    health_path             text,
    health_port             integer CHECK (health_port BETWEEN 1 AND 65535),
    health_interval_seconds integer NOT NULL CHECK (health_interval_seconds BETWEEN 1 AND 300),
    health_timeout_seconds  integer NOT NULL CHECK (health_timeout_seconds BETWEEN 1 AND health_interval_seconds),
    health_rise             integer NOT NULL CHECK (health_rise BETWEEN 1 AND 10),
    health_fall             integer NOT NULL CHECK (health_fall BETWEEN 1 AND 10),
    idle_seconds            integer NOT NULL CHECK (idle_seconds BETWEEN 1 AND 86400),
    created_at              timestamptz NOT NULL,
    UNIQUE (load_balancer_id, transport, port),
    CHECK ((protocol IN ('https', 'tls')) = (certificate IS NOT NULL) AND (certificate IS NULL) = (encrypted_key IS NULL)),
    CHECK (stickiness = 'none' OR protocol IN ('http', 'https')),
    CHECK (protocol <> 'udp' OR algorithm <> 'least-connections' AND NOT sends_proxy),
    CHECK ((health_protocol = 'http') = (health_path IS NOT NULL))
);

-- Writers: the account; rows go with their interfaces.
CREATE TABLE load_balancer_members (
    id           text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    listener_id  text COLLATE "C" NOT NULL REFERENCES load_balancer_listeners ON DELETE CASCADE,
    interface_id text COLLATE "C" NOT NULL REFERENCES interfaces ON DELETE CASCADE,
    port         integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    weight       integer NOT NULL CHECK (weight BETWEEN 0 AND 256),
    draining     boolean NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL,
    UNIQUE (listener_id, interface_id, port)
);
CREATE INDEX load_balancer_members_interface ON load_balancer_members (interface_id);

-- Public addresses that lead to load balancers: all ports of all listeners. They serve the network by one of its hosts.
CREATE TABLE load_balancer_addresses (
    address          inet PRIMARY KEY REFERENCES network_gateways,
    account_id       text COLLATE "C" NOT NULL REFERENCES accounts,
    load_balancer_id text COLLATE "C" NOT NULL REFERENCES load_balancers
);
CREATE INDEX load_balancer_addresses_balancer ON load_balancer_addresses (load_balancer_id);

-- What each host said last of a listener. Writers: hosts' reports. Not logged, since every host says it again within half a minute.
CREATE UNLOGGED TABLE load_balancer_sights (
    listener_id text COLLATE "C" NOT NULL REFERENCES load_balancer_listeners ON DELETE CASCADE,
    host_id     text COLLATE "C" NOT NULL REFERENCES hosts ON DELETE CASCADE,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    reported_at timestamptz NOT NULL,
    sight       jsonb NOT NULL,
    PRIMARY KEY (listener_id, host_id)
) WITH (fillfactor = 70);
CREATE INDEX load_balancer_sights_host ON load_balancer_sights (host_id);
