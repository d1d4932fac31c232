-- A second factor of those who chose one: one-time passwords by time (RFC 6238). Writers: the user; whoever administers its account may take it away.
CREATE TABLE second_factors (
    user_id       text COLLATE "C" PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    -- Under the master key.
    sealed_secret bytea NOT NULL,
    -- Null until the user has shown that it can make passwords with it; it is not asked for before.
    confirmed_at  timestamptz,
    -- The time step of the last password that was taken: none is taken twice.
    last_step     bigint NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL
);

-- Good once each, in place of a one-time password, for whoever lost what makes them.
CREATE TABLE recovery_codes (
    user_id   text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);
