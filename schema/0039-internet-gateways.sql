-- Ways outside by name, for those who make them apart from networks. Whether a network has an outside is said by networks.outside alone; a gateway is attached while that is nat.
CREATE TABLE internet_gateways (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    -- Writer: whoever attaches and detaches it.
    network_id text COLLATE "C" UNIQUE REFERENCES networks ON DELETE SET NULL,
    tags       jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object'),
    created_at timestamptz NOT NULL
);
CREATE INDEX internet_gateways_account ON internet_gateways (account_id, id);
