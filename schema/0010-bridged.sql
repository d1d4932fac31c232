-- Networks on segments of the operator's own, who may use which VLANs, and addresses of subnets that are kept back. Make bridged networks only once every
-- server is of this version: the version before does not tell hosts where they are.

-- Writers: the account, when the network is made. A VLAN of a device belongs to one network, and so do its frames without a tag.
ALTER TABLE networks ADD COLUMN segment_device text CHECK (segment_device ~ '^[A-Za-z0-9._-]{1,15}$'),
    ADD COLUMN segment_vlan integer CHECK (segment_vlan BETWEEN 1 AND 4094),
    ADD COLUMN external_dhcp boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT networks_segment_whole CHECK (segment_device IS NOT NULL OR segment_vlan IS NULL AND NOT external_dhcp);
CREATE UNIQUE INDEX networks_segment ON networks (segment_device, coalesce(segment_vlan, 0)) WHERE segment_device IS NOT NULL;

-- Bridges and devices that bridged networks may be attached to on the host, as it reports them.
ALTER TABLE hosts ADD COLUMN segment_devices text[] NOT NULL DEFAULT '{}';

-- What of a subnet may be given out; null: all of it.
ALTER TABLE subnets ADD COLUMN first_address inet, ADD COLUMN last_address inet,
    ADD CONSTRAINT subnets_part CHECK ((first_address IS NULL) = (last_address IS NULL)
        AND (first_address IS NULL OR first_address << cidr AND last_address << cidr AND first_address <= last_address));

-- Addresses that are never given out, or (reserved) only to those who ask for them by name. Writers: the account.
CREATE TABLE subnet_exclusions (
    subnet_id     text COLLATE "C" NOT NULL REFERENCES subnets ON DELETE CASCADE,
    account_id    text COLLATE "C" NOT NULL REFERENCES accounts,
    first_address inet NOT NULL,
    last_address  inet NOT NULL,
    reserved      boolean NOT NULL,
    PRIMARY KEY (subnet_id, reserved, first_address, last_address),
    CHECK (first_address <= last_address AND family(first_address) = family(last_address))
);

-- VLANs of a device in which an account makes networks by itself. Writers: operators.
CREATE TABLE vlan_ranges (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    device     text NOT NULL CHECK (device ~ '^[A-Za-z0-9._-]{1,15}$'),
    first_vlan integer NOT NULL CHECK (first_vlan BETWEEN 1 AND 4094),
    last_vlan  integer NOT NULL CHECK (last_vlan BETWEEN first_vlan AND 4094),
    created_at timestamptz NOT NULL
);
CREATE INDEX vlan_ranges_account ON vlan_ranges (account_id, id);

-- Switches whose ports operators set through the cloud. Writers: name to authority_pem by operators; checked_at and conditions by whoever has asked the switch.
CREATE TABLE switches (
    id              text COLLATE "C" PRIMARY KEY,
    account_id      text COLLATE "C" NOT NULL REFERENCES accounts,
    name            text NOT NULL UNIQUE,
    driver          text NOT NULL CHECK (driver IN ('rest')),
    url             text NOT NULL,
    -- With the master key, for this switch only.
    encrypted_token bytea NOT NULL,
    -- Whose certificates it has; null: those that the machine trusts.
    authority_pem   text,
    created_at      timestamptz NOT NULL,
    checked_at      timestamptz,
    conditions      jsonb NOT NULL DEFAULT '[]'
);

-- What a port should be. A port without a row is left as it is. Writers: mode to generation by operators; the rest by the server that speaks to the switch.
CREATE TABLE switch_ports (
    switch_id          text COLLATE "C" NOT NULL REFERENCES switches ON DELETE CASCADE,
    name               text NOT NULL,
    account_id         text COLLATE "C" NOT NULL REFERENCES accounts,
    mode               text NOT NULL CHECK (mode IN ('access', 'trunk', 'none')),
    access_vlan        integer CHECK (access_vlan BETWEEN 1 AND 4094),
    trunk_vlans        text[] NOT NULL DEFAULT '{}',
    generation         bigint NOT NULL DEFAULT 1,
    -- The generation that the switch was last seen to have; 0: none.
    applied_generation bigint NOT NULL DEFAULT 0,
    attempts           integer NOT NULL DEFAULT 0,
    checked_at         timestamptz,
    next_look_at       timestamptz,
    conditions         jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (switch_id, name),
    CHECK ((mode = 'access') = (access_vlan IS NOT NULL) AND (mode = 'trunk') = (trunk_vlans <> '{}'))
);
CREATE INDEX switch_ports_due ON switch_ports (next_look_at NULLS FIRST);
