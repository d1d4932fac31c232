-- What accounts note of interfaces. Writer: the account.
ALTER TABLE interfaces ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
