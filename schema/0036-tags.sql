-- What accounts note of their resources for themselves: keys with values, as of volumes and snapshots. Writer: the account.
ALTER TABLE images ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
ALTER TABLE key_pairs ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
ALTER TABLE security_groups ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
ALTER TABLE subnets ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
ALTER TABLE networks ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
-- What all its IPv4 subnets are to be within; null: anything. Writer: the account, when it makes the network.
ALTER TABLE networks ADD COLUMN range cidr;
ALTER TABLE floating_addresses ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
ALTER TABLE placement_groups ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
