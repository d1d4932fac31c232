-- Directories (LDAP) whose people sign in with the password that they have there. Writers: administrators of the domain.
CREATE TABLE directories (
    id              text COLLATE "C" PRIMARY KEY,
    domain_id       text COLLATE "C" NOT NULL REFERENCES domains,
    name            text NOT NULL UNIQUE,
    url             text NOT NULL,
    bind_dn         text NOT NULL,
    -- Under the master key; null for an anonymous search.
    sealed_password bytea,
    base_dn         text NOT NULL,
    user_filter     text NOT NULL,
    -- Where people who sign in for the first time become users; null: only those who were made users of it before sign in.
    account_id      text COLLATE "C" REFERENCES accounts,
    default_role    text,
    -- [{"group": DN, "role": name}], the first that fits.
    group_roles     jsonb NOT NULL DEFAULT '[]',
    created_at      timestamptz NOT NULL
);
ALTER TABLE users ADD COLUMN directory_id text COLLATE "C" REFERENCES directories;
CREATE INDEX users_directory ON users (directory_id) WHERE directory_id IS NOT NULL;
