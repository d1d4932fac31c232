-- Volumes that hosts give to other hosts over the network. Attach volumes of a host's own store to instances of other hosts only once every server is of this version: the
-- version before tells no host of it.

-- Ways in which the host gives volumes and has them given. Writers: reports of the host.
ALTER TABLE hosts ADD COLUMN volume_protocols text[] NOT NULL DEFAULT '{}';

-- Writers: exported, export_incarnation and export_key by whoever attaches and frees it, and by whoever gives its instance to another host; export_port by reports of its host.
ALTER TABLE volumes
    -- Its instance is on another host than the volume.
    ADD COLUMN exported           boolean NOT NULL DEFAULT false,
    -- Fencing token of the giving: grows each time that it is given anew, also to another host of the same instance.
    ADD COLUMN export_incarnation integer NOT NULL DEFAULT 0 CHECK (export_incarnation >= 0),
    -- Encrypted under the master key; null while exported: the giving is to end.
    ADD COLUMN export_key         bytea,
    -- Where its host has said that it gives it, in this incarnation.
    ADD COLUMN export_port        integer CHECK (export_port BETWEEN 1 AND 65535),
    ADD CONSTRAINT volumes_exported_whole CHECK (exported OR export_key IS NULL AND export_port IS NULL);
