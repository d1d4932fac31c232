-- Encrypted volumes. Make types that encrypt only once every server and every agent is of this version: an agent of the version before makes such a volume in clear.

-- Writers: operators.
ALTER TABLE volume_types ADD COLUMN encrypted boolean NOT NULL DEFAULT false;

-- The volume's key, under the servers' master key; null: the volume is not encrypted, or is deleted: what is left of its bytes is worthless then.
-- Writers: whoever makes the volume, and whoever notes that it is gone.
ALTER TABLE volumes ADD COLUMN sealed_key bytea;
ALTER TABLE lost_volumes ADD COLUMN sealed_key bytea;

-- Writers: full reports of the host.
ALTER TABLE stray_volumes ADD COLUMN encrypted boolean NOT NULL DEFAULT false;
