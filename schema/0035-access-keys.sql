-- Keys with which programs sign what they ask for, in the dialects that know no tokens. A signature is checked with the secret itself, so that it is kept, sealed under the master key.

-- Writers: the user (rows come and go), whoever authenticates (last_used_at).
CREATE TABLE access_keys (
    id            text COLLATE "C" PRIMARY KEY CHECK (id ~ '^AKIA[A-Z2-7]{16}$'),
    -- The account that is acted for: the user's own, or one that an operator acts for.
    account_id    text COLLATE "C" NOT NULL REFERENCES accounts,
    user_id       text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    name          text,
    sealed_secret bytea NOT NULL,
    -- Where requests may come from; empty: from anywhere.
    source_ranges cidr[] NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,
    last_used_at  timestamptz
);
CREATE INDEX access_keys_user ON access_keys (user_id);
CREATE INDEX access_keys_account ON access_keys (account_id);
CREATE UNIQUE INDEX access_keys_user_name ON access_keys (user_id, name) WHERE name IS NOT NULL;
