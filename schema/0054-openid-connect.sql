-- Directories of a second kind: providers of OpenID Connect, which vouch for people by tokens. Name one only once every server is of this version: the version before takes it for LDAP, and waits for it in vain.
ALTER TABLE directories
    -- url is the issuer's then; bind_dn, base_dn and user_filter are empty, and sealed_password is null.
    ADD COLUMN kind                 text NOT NULL DEFAULT 'ldap' CHECK (kind IN ('ldap', 'oidc')),
    -- What the login page calls it; null: its name.
    ADD COLUMN title                text,
    ADD COLUMN client_id            text,
    -- Under the master key; null for a client without a secret.
    ADD COLUMN sealed_client_secret bytea,
    ADD COLUMN scopes               text,
    -- Null: preferred_username, or else a verified email.
    ADD COLUMN name_claim           text,
    ADD COLUMN groups_claim         text,
    -- Whether the login page offers it to everybody.
    ADD COLUMN listed               boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT directories_oidc_whole CHECK ((kind = 'oidc') = (num_nulls(client_id, scopes, groups_claim) = 0));

-- Whom the provider means, by its own word (sub), which it never gives to somebody else. Written when somebody signs in for the first time, or by an administrator of the domain.
ALTER TABLE users ADD COLUMN directory_subject text;
CREATE UNIQUE INDEX users_directory_subject ON users (directory_id, directory_subject) WHERE directory_subject IS NOT NULL;

-- What a browser carries from the provider's answer to the program that signs in: good once, for a minute. Writers: signing in; whoever redeems it.
CREATE TABLE sign_in_codes (
    code_hash    bytea PRIMARY KEY,
    user_id      text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of what only the program that began knows (as in RFC 7636).
    challenge    bytea NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX sign_in_codes_expiry ON sign_in_codes (expires_at);
CREATE INDEX sign_in_codes_user ON sign_in_codes (user_id);
