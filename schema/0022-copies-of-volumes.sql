-- Volumes that begin as copies of volumes. Make such only once every server is of this version: the version before lets the snapshot between the two go too early.
-- Writer: whoever makes it. True: it began as the volume source_volume_id was when it was asked for, called source_name then, by a snapshot that goes when it is made.
ALTER TABLE volumes ADD COLUMN source_is_volume boolean NOT NULL DEFAULT false;
