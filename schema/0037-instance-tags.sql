-- What accounts note of instances, and whether they may be terminated. Writer of both: the account.
ALTER TABLE instances ADD COLUMN tags jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(tags) = 'object');
ALTER TABLE instances ADD COLUMN termination_protection boolean NOT NULL DEFAULT false;
