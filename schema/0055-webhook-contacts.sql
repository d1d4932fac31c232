-- Contacts that are programs: alerts are posted to their URL, signed. Make one only once every server is of this version: the version before takes its messages for mails to nobody.
-- Under the master key; null: a contact that gets mail.
ALTER TABLE contacts ADD COLUMN sealed_secret bytea, ADD CONSTRAINT contacts_webhook_signed CHECK ((kind = 'webhook') = (sealed_secret IS NOT NULL));

-- How a message gets there, as its contact says. The body of one that is posted is JSON.
ALTER TABLE mails ADD COLUMN kind text NOT NULL DEFAULT 'email' CHECK (kind IN ('email', 'webhook'));
