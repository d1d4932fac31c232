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
