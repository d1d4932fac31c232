-- Hosts are in pools, which are given to all accounts or to some, each with its own over-commit. All hosts begin in the pool "default", which is for all and changes nothing.
-- Give pools to some accounts only once every server is of this version: the version before launches anywhere.

-- Writers: operators. Whoever changes who may use a pool, or how much it gives, holds this row and then the rows of its hosts.
CREATE TABLE host_pools (
    id                text COLLATE "C" PRIMARY KEY,
    name              text NOT NULL UNIQUE,
    description       text NOT NULL DEFAULT '',
    -- False: only for those of host_pool_accounts.
    all_accounts      boolean NOT NULL DEFAULT true,
    -- Offered for each real processor; null: what the servers are told by --vcpu-ratio.
    cpu_overcommit    numeric(5, 2) CHECK (cpu_overcommit BETWEEN 1 AND 64),
    -- Offered for each MiB of memory.
    memory_overcommit numeric(5, 2) NOT NULL DEFAULT 1 CHECK (memory_overcommit BETWEEN 1 AND 16),
    created_at        timestamptz NOT NULL
);
INSERT INTO host_pools (id, name, description, created_at) VALUES ('hp-00000000000000000', 'default', 'Hosts that are in no other pool.', now());

CREATE TABLE host_pool_accounts (
    host_pool_id text COLLATE "C" NOT NULL REFERENCES host_pools ON DELETE CASCADE,
    account_id   text COLLATE "C" NOT NULL REFERENCES accounts,
    PRIMARY KEY (host_pool_id, account_id)
);
CREATE INDEX host_pool_accounts_account ON host_pool_accounts (account_id);

-- The pool that hosts which join with it are in from their first moment.
ALTER TABLE join_tokens ADD COLUMN host_pool_id text COLLATE "C" NOT NULL DEFAULT 'hp-00000000000000000' REFERENCES host_pools ON DELETE CASCADE;

UPDATE roles SET permissions = permissions || CASE name WHEN 'operator' THEN ARRAY['host-pools:*'] ELSE ARRAY['host-pools:read'] END
WHERE num_nonnulls(account_id, domain_id) = 0 AND name IN ('operator', 'member', 'reader');
