-- What an instance asks of its hosts, at its launch and wherever it goes. Writers: its launch, and of flavor_labels a change of its flavor.
ALTER TABLE instances
    -- The pool that it asked for; null: any that its account may use.
    ADD COLUMN host_pool_id text COLLATE "C" REFERENCES host_pools,
    ADD COLUMN required_labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(required_labels) = 'object'),
    -- Those of its flavor, which may be gone.
    ADD COLUMN flavor_labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(flavor_labels) = 'object');
CREATE INDEX instances_host_pool ON instances (host_pool_id) WHERE host_pool_id IS NOT NULL;
