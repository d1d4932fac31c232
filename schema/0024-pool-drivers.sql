-- Pools of other kinds than directories. Offer stores of them only once every server is of this version: the version before takes no notice of them.

ALTER TABLE pools DROP CONSTRAINT pools_driver_check, ADD CONSTRAINT pools_driver_check CHECK (driver IN ('directory', 'lvm-thin', 'rbd', 'zfs'));
