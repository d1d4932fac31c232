-- How volumes are given to other hosts. Choose iSCSI for a pool only once every server is of this version: the version before tells hosts of NBD, whatever is written here.

-- How volumes of its hosts' own stores are given from now on. Writers: operators.
ALTER TABLE pools ADD COLUMN protocol text NOT NULL DEFAULT 'nbd' CHECK (protocol IN ('nbd', 'iscsi'));

-- How this one is given, for as long as it is: both hosts begin with that. Writers: whoever writes export_incarnation.
ALTER TABLE volumes ADD COLUMN export_protocol text NOT NULL DEFAULT 'nbd' CHECK (export_protocol IN ('nbd', 'iscsi'));
