-- What machine an image is for, and CDs. Servers of the version before start such guests by BIOS, with virtio and without the CD: use them once every server is of this version.

-- Writers: the image's account.
ALTER TABLE images DROP CONSTRAINT images_format_check, ADD CONSTRAINT images_format_check CHECK (format IN ('qcow2', 'raw', 'iso')),
    ADD COLUMN architecture text NOT NULL DEFAULT 'x86_64',
    ADD COLUMN firmware     text NOT NULL DEFAULT 'bios' CHECK (firmware IN ('bios', 'uefi')),
    ADD COLUMN device_model text NOT NULL DEFAULT 'virtio' CHECK (device_model IN ('virtio', 'emulated'));

-- An instance keeps what its image was for when it was launched: what is installed on its disk is of that kind. Writers: firmware and device_model by
-- whoever launches, cd_image_id by the instance's account.
ALTER TABLE instances ADD COLUMN firmware text NOT NULL DEFAULT 'bios' CHECK (firmware IN ('bios', 'uefi')),
    ADD COLUMN device_model text NOT NULL DEFAULT 'virtio' CHECK (device_model IN ('virtio', 'emulated')),
    -- The image in its CD drive.
    ADD COLUMN cd_image_id  text COLLATE "C" REFERENCES images;
CREATE INDEX instances_cd ON instances (cd_image_id) WHERE cd_image_id IS NOT NULL AND terminated_at IS NULL;

-- Images that hosts fetch and keep before anything needs them: one host, those of a zone, or (both null) all. Writers: operators.
CREATE TABLE image_prefetches (
    image_id   text COLLATE "C" NOT NULL REFERENCES images ON DELETE CASCADE,
    host_id    text COLLATE "C" REFERENCES hosts ON DELETE CASCADE,
    zone_id    text COLLATE "C" REFERENCES zones ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    CONSTRAINT image_prefetches_one_scope CHECK (host_id IS NULL OR zone_id IS NULL)
);
CREATE UNIQUE INDEX image_prefetches_scope ON image_prefetches (image_id, coalesce(host_id, ''), coalesce(zone_id, ''));

-- What hosts have of images, by content. Writers: reports of the host.
CREATE TABLE host_images (
    host_id   text COLLATE "C" NOT NULL REFERENCES hosts ON DELETE CASCADE,
    sha256    text COLLATE "C" NOT NULL,
    bytes     bigint NOT NULL CHECK (bytes >= 0),
    whole     boolean NOT NULL,
    condition jsonb,
    PRIMARY KEY (host_id, sha256)
);
CREATE INDEX host_images_whole ON host_images (sha256) WHERE whole;
-- Where the host gives images to others of its zone; null: nowhere.
ALTER TABLE hosts ADD COLUMN image_port integer CHECK (image_port BETWEEN 1 AND 65535);
