-- Groups of instances that should share a host, or must not. Only additions: a server of the version before runs on beside this one.

-- Writers: the account, at creation. Nothing of a group ever changes.
CREATE TABLE placement_groups (
    id         text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    name       text NOT NULL,
    policy     text NOT NULL CHECK (policy IN ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')),
    created_at timestamptz NOT NULL,
    UNIQUE (account_id, name),
    -- For the reference below: a member is of the group's account, and carries its policy.
    UNIQUE (account_id, id, policy)
);

-- Set at launch. The policy is written with it, so that the two rules below can hold it.
ALTER TABLE instances ADD COLUMN placement_group_id text COLLATE "C", ADD COLUMN placement_policy text,
    ADD CONSTRAINT instances_placement_group FOREIGN KEY (account_id, placement_group_id, placement_policy) REFERENCES placement_groups (account_id, id, policy),
    ADD CONSTRAINT instances_placement_policy CHECK ((placement_group_id IS NULL) = (placement_policy IS NULL)),
    -- All members of an affinity group are on one host; looked at when the transaction ends, since they move together.
    ADD CONSTRAINT instances_affinity EXCLUDE USING gist (placement_group_id WITH =, host_id WITH <>)
        WHERE (placement_policy = 'affinity' AND terminated_at IS NULL) DEFERRABLE INITIALLY DEFERRED;
-- No two members of an anti-affinity group are on one host.
CREATE UNIQUE INDEX instances_anti_affinity ON instances (placement_group_id, host_id) WHERE placement_policy = 'anti-affinity' AND terminated_at IS NULL;
CREATE INDEX instances_by_placement_group ON instances (placement_group_id) WHERE placement_group_id IS NOT NULL;
