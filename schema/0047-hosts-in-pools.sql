-- vcpus and memory_mib stay what a host offers, which is what it has times what its pool gives for that. Writers of them: reports, joins, and whoever changes the pool or moves the host to another one.
ALTER TABLE hosts
    -- Writers: the join, and operators.
    ADD COLUMN host_pool_id text COLLATE "C" NOT NULL DEFAULT 'hp-00000000000000000' REFERENCES host_pools,
    -- What operators note of it, for placement. Writers: operators.
    ADD COLUMN labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    -- What the machine has; null until it has reported to a server of this version. Writers: joins and reports.
    ADD COLUMN physical_vcpus integer CHECK (physical_vcpus >= 0),
    ADD COLUMN physical_memory_mib integer CHECK (physical_memory_mib >= 0);
CREATE INDEX hosts_pool ON hosts (host_pool_id);
