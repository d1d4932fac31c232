-- What accounts note of volumes for themselves: keys with values. Writer: the account.
ALTER TABLE volumes ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
