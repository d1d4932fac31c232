-- True for an instance that was stopped because its account is not active: it is started again with it. Written with desired, in the same statement.
ALTER TABLE instances ADD COLUMN held boolean NOT NULL DEFAULT false;
CREATE INDEX instances_held ON instances (account_id) WHERE held;
