-- What images are for, whom they are shared with, and that one is no longer to be chosen. The version before ignores all of it.

-- Writers: the image's account.
ALTER TABLE images ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN os text NOT NULL DEFAULT '',
    ADD COLUMN min_disk_gib integer NOT NULL DEFAULT 0 CHECK (min_disk_gib BETWEEN 0 AND 65536),
    ADD COLUMN min_memory_mib integer NOT NULL DEFAULT 0 CHECK (min_memory_mib BETWEEN 0 AND 16777216),
    ADD COLUMN deprecated_at timestamptz,
    -- What the source said of its bytes (ETag) when the first of them came: the rest is only of use with these.
    ADD COLUMN source_tag text;

-- Other accounts that may use a private image. Writers: the image's account.
CREATE TABLE image_accounts (
    image_id   text COLLATE "C" NOT NULL REFERENCES images ON DELETE CASCADE,
    account_id text COLLATE "C" NOT NULL REFERENCES accounts,
    PRIMARY KEY (image_id, account_id)
);
CREATE INDEX image_accounts_account ON image_accounts (account_id);
