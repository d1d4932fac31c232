-- How a guest may ask the metadata service, and whether it is told the instance's tags. Writer of all: the account.
ALTER TABLE instances
    ADD COLUMN metadata_endpoint text NOT NULL DEFAULT 'enabled' CHECK (metadata_endpoint IN ('enabled', 'disabled')),
    ADD COLUMN metadata_tokens text NOT NULL DEFAULT 'optional' CHECK (metadata_tokens IN ('optional', 'required')),
    -- How many hosts the answer to a request for a token may pass. Those that are there keep what they had, which is no limit; containers in them may rely on it.
    ADD COLUMN metadata_hop_limit integer NOT NULL DEFAULT 64 CHECK (metadata_hop_limit BETWEEN 1 AND 64),
    ADD COLUMN metadata_tags text NOT NULL DEFAULT 'disabled' CHECK (metadata_tags IN ('enabled', 'disabled'));
ALTER TABLE instances ALTER COLUMN metadata_hop_limit SET DEFAULT 1;
