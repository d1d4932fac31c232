-- Networks over many hosts: IPv6, several and further addresses, floating addresses that outlive instances, pools of addresses. Servers of the
-- version before run on beside this one: they launch into IPv4 networks as ever, and triggers keep true for them what they do not know of.

-- An id of the program's own form, for rows that servers of the version before write without one.
CREATE FUNCTION new_id(prefix text) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT prefix || '-' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 11, '0') || lpad(to_hex(floor(random() * 16777216)::int), 6, '0') $$;

-- What packets of a network may be at the most; null: what the hosts' underlay carries. Without an outside only floating addresses reach it.
ALTER TABLE networks ADD COLUMN mtu integer CHECK (mtu BETWEEN 1280 AND 9000),
    ADD COLUMN outside text NOT NULL DEFAULT 'nat' CHECK (outside IN ('nat', 'none')),
    ADD COLUMN domain text,
    ADD COLUMN search_domains text[] NOT NULL DEFAULT '{}';

ALTER TABLE subnets DROP CONSTRAINT subnets_cidr_check,
    ADD CONSTRAINT subnets_range CHECK (family(cidr) = 4 AND masklen(cidr) BETWEEN 16 AND 28 OR family(cidr) = 6 AND masklen(cidr) = 64),
    ADD COLUMN dhcp_options jsonb NOT NULL DEFAULT '[]';

-- The longest packet that the host's network carries, as it reports it; null: it does not say.
ALTER TABLE hosts ADD COLUMN underlay_mtu integer CHECK (underlay_mtu > 0);
CREATE INDEX hosts_underlay_mtu ON hosts (underlay_mtu);

-- The most that an interface sends and is sent, in 10^6 bits a second; null: no limit. Interfaces have their flavor's of when they were made.
ALTER TABLE flavors ADD COLUMN rate_mbps integer CHECK (rate_mbps BETWEEN 1 AND 1000000);

-- Writers: subnets, addresses, index and rate when it is made; detached_* by the account, once; allowed_ranges by the account; released_at by the
-- host's report that it is gone, or the end of the instance.
ALTER TABLE interfaces ADD COLUMN subnet6_id text COLLATE "C" REFERENCES subnets, ADD COLUMN address6 inet,
    ADD COLUMN detached_at timestamptz, ADD COLUMN detached_generation bigint,
    ADD COLUMN allowed_ranges cidr[] NOT NULL DEFAULT '{}',
    ADD COLUMN rate_mbps integer,
    ADD CONSTRAINT interfaces_dual CHECK ((subnet6_id IS NULL) = (address6 IS NULL)),
    ADD CONSTRAINT interfaces_detached CHECK ((detached_at IS NULL) = (detached_generation IS NULL));
CREATE INDEX interfaces_detaching ON interfaces (instance_id) WHERE detached_at IS NOT NULL AND released_at IS NULL;

-- Who holds which address of a subnet: one holder each. An address that was given back rests: its row stays, with the time.
CREATE TABLE subnet_addresses (
    subnet_id    text COLLATE "C" NOT NULL REFERENCES subnets ON DELETE CASCADE,
    address      inet NOT NULL,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    kind         text NOT NULL CHECK (kind IN ('interface', 'secondary', 'reserved', 'load-balancer')),
    interface_id text COLLATE "C" REFERENCES interfaces ON DELETE CASCADE,
    released_at  timestamptz,
    PRIMARY KEY (subnet_id, address),
    CHECK (kind IN ('reserved', 'load-balancer') OR (interface_id IS NULL) = (released_at IS NOT NULL))
);
CREATE INDEX subnet_addresses_interface ON subnet_addresses (interface_id) WHERE interface_id IS NOT NULL;
CREATE INDEX subnet_addresses_rest ON subnet_addresses (released_at) WHERE released_at IS NOT NULL;

INSERT INTO subnet_addresses (subnet_id, address, account_id, kind, interface_id)
SELECT subnet_id, address, account_id, 'interface', id FROM interfaces WHERE released_at IS NULL;

-- By triggers, so that what servers of the version before give out and take back is known too; to them an address that is taken looks as ever.
CREATE FUNCTION hold_interface_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wanted bigint; held bigint;
BEGIN
    IF EXISTS (SELECT 1 FROM made m JOIN subnets s ON s.id = m.subnet_id WHERE NOT m.address << s.cidr
               UNION ALL SELECT 1 FROM made m JOIN subnets s ON s.id = m.subnet6_id WHERE NOT m.address6 << s.cidr) THEN
        RAISE check_violation USING MESSAGE = 'an interface has an address outside its subnet';
    END IF;
    SELECT count(*) + count(m.address6) INTO wanted FROM made m;
    INSERT INTO subnet_addresses AS s (subnet_id, address, account_id, kind, interface_id)
    SELECT m.subnet_id, m.address, m.account_id, 'interface', m.id FROM made m
    UNION ALL SELECT m.subnet6_id, m.address6, m.account_id, 'interface', m.id FROM made m WHERE m.address6 IS NOT NULL
    ORDER BY 1, 2
    ON CONFLICT (subnet_id, address) DO UPDATE SET account_id = excluded.account_id, kind = excluded.kind, interface_id = excluded.interface_id, released_at = NULL
    WHERE s.released_at IS NOT NULL;
    GET DIAGNOSTICS held = ROW_COUNT;
    IF held < wanted THEN RAISE unique_violation USING MESSAGE = 'an address is held already'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER hold_addresses AFTER INSERT ON interfaces REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION hold_interface_addresses();

CREATE FUNCTION rest_interface_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE subnet_addresses s SET released_at = n.released_at, interface_id = NULL
    FROM after n JOIN before o ON o.id = n.id WHERE s.interface_id = n.id AND o.released_at IS NULL AND n.released_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER rest_addresses AFTER UPDATE ON interfaces REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION rest_interface_addresses();

-- Floating addresses that their account keeps have an interface or none; the others come with an instance and go with it.
ALTER TABLE floating_addresses ALTER COLUMN interface_id DROP NOT NULL,
    ADD COLUMN id text COLLATE "C" NOT NULL DEFAULT new_id('fip'),
    ADD COLUMN kept boolean NOT NULL DEFAULT false,
    ADD COLUMN description text NOT NULL DEFAULT '';
CREATE INDEX floating_addresses_account ON floating_addresses (account_id, id);

CREATE TABLE resting_addresses (
    address     inet PRIMARY KEY,
    released_at timestamptz NOT NULL
);

-- Whoever ends an instance removes its floating address: one that is kept only loses its interface.
CREATE FUNCTION rest_floating_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.kept AND OLD.interface_id IS NOT NULL THEN
        UPDATE floating_addresses SET interface_id = NULL WHERE address = OLD.address;
        RETURN NULL;
    END IF;
    INSERT INTO resting_addresses (address, released_at) VALUES (OLD.address, clock_timestamp())
    ON CONFLICT (address) DO UPDATE SET released_at = excluded.released_at;
    RETURN OLD;
END $$;
CREATE TRIGGER rest_address BEFORE DELETE ON floating_addresses FOR EACH ROW EXECUTE FUNCTION rest_floating_address();

-- Pools that operators define. Writers: operators.
CREATE TABLE address_pools (
    id           text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    name         text NOT NULL UNIQUE,
    description  text NOT NULL DEFAULT '',
    all_accounts boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL
);

-- Accounts that a pool is given to, if not to all.
CREATE TABLE address_pool_accounts (
    pool_id    text COLLATE "C" NOT NULL REFERENCES address_pools ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    PRIMARY KEY (pool_id, account_id)
);

-- What a pool is made of, and what of that is excluded. A range is in one pool only.
CREATE TABLE address_pool_ranges (
    pool_id  text COLLATE "C" NOT NULL REFERENCES address_pools ON DELETE CASCADE,
    cidr     cidr NOT NULL CHECK (family(cidr) = 4),
    excluded boolean NOT NULL DEFAULT false,
    PRIMARY KEY (pool_id, cidr, excluded),
    EXCLUDE USING gist (cidr inet_ops WITH &&) WHERE (NOT excluded)
);

-- Addresses that are given out by name only: to the account, if there is one.
CREATE TABLE address_reservations (
    pool_id    text COLLATE "C" NOT NULL REFERENCES address_pools ON DELETE CASCADE,
    address    inet PRIMARY KEY,
    account_id text COLLATE "C" REFERENCES accounts
);

INSERT INTO address_pools (id, account_id, name, created_at) SELECT new_id('pool'), account_id, 'default', created_at FROM floating_ranges ORDER BY created_at LIMIT 1;
INSERT INTO address_pool_ranges (pool_id, cidr) SELECT p.id, r.cidr FROM floating_ranges r, address_pools p;

-- Groups that let everything out mean IPv6 too.
INSERT INTO security_group_rules (id, account_id, security_group_id, direction, protocol, cidr)
SELECT new_id('sgr'), r.account_id, r.security_group_id, 'egress', 'any', '::/0' FROM security_group_rules r
WHERE r.direction = 'egress' AND r.protocol = 'any' AND r.cidr = '0.0.0.0/0';
