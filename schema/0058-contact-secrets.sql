-- The secret of a webhook contact before the present one: messages are signed by both until its time is over. Writer: who changes the secret.
ALTER TABLE contacts ADD COLUMN sealed_former bytea, ADD COLUMN former_until timestamptz, ADD CONSTRAINT contacts_former CHECK ((sealed_former IS NULL) = (former_until IS NULL));
