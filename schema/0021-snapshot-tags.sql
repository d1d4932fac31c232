-- What accounts note of snapshots for themselves: keys with values. Writer: the account.
ALTER TABLE snapshots ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
