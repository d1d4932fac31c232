-- Images made from volumes: a snapshot, a volume filled from it, and its bytes sent by the host that has it. Ask for one only once every server is of this version.

-- The snapshot that its bytes are from. Writers: whoever asks for the image.
ALTER TABLE images ADD COLUMN source_snapshot_id text COLLATE "C";
-- The volume is only there to become this image: it is in no list, and deleted when the image has its bytes, or is not to have them. Writers: whoever asks for the image.
ALTER TABLE volumes ADD COLUMN image_upload_id text COLLATE "C";
CREATE INDEX volumes_image_upload ON volumes (image_upload_id) WHERE image_upload_id IS NOT NULL;
-- The same of a snapshot that was taken for an image.
ALTER TABLE snapshots ADD COLUMN image_upload_id text COLLATE "C";
CREATE INDEX snapshots_image_upload ON snapshots (image_upload_id) WHERE image_upload_id IS NOT NULL;
