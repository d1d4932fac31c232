-- Who may do what, and where. Domains are a tree above the accounts, for resellers and departments; users are members of accounts and of
-- domains, each time with a role; what somebody may in a domain holds for all that is beneath it. What is held on the root holds for the cloud.

-- Writers: administrators of the domain above.
CREATE TABLE domains (
    id         text COLLATE "C" PRIMARY KEY,
    parent_id  text COLLATE "C" REFERENCES domains,
    name       text NOT NULL,
    -- The names from the one beneath the root downwards, as people write it: reseller/sales. The root's is its name.
    path       text NOT NULL UNIQUE,
    -- The ids from the root down to this one, each with a dot behind it: all that is beneath begins with it.
    lineage    text COLLATE "C" NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    UNIQUE (parent_id, name),
    CHECK (right(lineage, length(id) + 1) = id || '.'),
    CHECK ((parent_id IS NULL) = (lineage = id || '.'))
);
CREATE UNIQUE INDEX domains_one_root ON domains ((parent_id IS NULL)) WHERE parent_id IS NULL;
INSERT INTO domains (id, parent_id, name, path, lineage, created_at) VALUES ('dom-00000000000000000', NULL, 'root', 'root', 'dom-00000000000000000.', now());

-- suspended: its guests stand still and nothing is changed, until it is active again. closed: for good.
ALTER TABLE accounts
    ADD COLUMN domain_id text COLLATE "C" NOT NULL DEFAULT 'dom-00000000000000000' REFERENCES domains,
    ADD COLUMN state     text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'closed')),
    ADD COLUMN state_reason text NOT NULL DEFAULT '';
CREATE INDEX accounts_domain ON accounts (domain_id, id);

-- Sets of permissions, capability:verb each, * for all. Those of nobody are built in; others belong to an account or to a domain.
CREATE TABLE roles (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" REFERENCES accounts,
    domain_id   text COLLATE "C" REFERENCES domains,
    name        text NOT NULL,
    description text NOT NULL DEFAULT '',
    permissions text[] NOT NULL CHECK (cardinality(permissions) > 0),
    created_at  timestamptz NOT NULL,
    CHECK (num_nonnulls(account_id, domain_id) <= 1)
);
CREATE UNIQUE INDEX roles_name ON roles (coalesce(account_id, domain_id, ''), name);

INSERT INTO roles (id, name, description, permissions, created_at) VALUES
    ('role-00000000000000001', 'administrator', 'Everything. On the root domain: the whole cloud.', ARRAY['*:*'], now()),
    ('role-00000000000000002', 'domain-administrator', 'A domain beneath the root, the domains and accounts in it, and all that they have.', ARRAY['*:*'], now()),
    ('role-00000000000000003', 'operator', 'On the root domain: the cloud''s machines and what is offered on them; sees everything, changes nothing that belongs to an account.',
        ARRAY['*:read', 'address-pools:*', 'doctor:*', 'flavors:*', 'hosts:*', 'images:publish', 'images:prefetch', 'pools:*', 'switches:*', 'vlan-ranges:*', 'volume-types:*', 'zones:*'], now()),
    ('role-00000000000000004', 'owner', 'Everything in the account, its members and roles too.', ARRAY['*:*'], now()),
    ('role-00000000000000006', 'billing', 'What is used and what that costs.', ARRAY['accounts:read', 'events:read', 'quotas:read', 'statements:read', 'summary:read', 'usage:read'], now());

-- What accounts have, named one by one, so that new kinds of things are nobody's before a later file says whose.
INSERT INTO roles (id, name, description, permissions, created_at)
SELECT role.id, role.name, role.description, array_agg(c || role.verb ORDER BY c)
    || ARRAY['address-pools:read', 'flavors:read', 'members:read', 'pools:read', 'quotas:read', 'roles:read', 'usage:read', 'users:read', 'vlan-ranges:read', 'volume-types:read', 'zones:read'], now()
FROM (VALUES
    ('role-00000000000000005', 'member', 'Makes, changes and removes the account''s resources, and opens consoles.', ':*'),
    ('role-00000000000000007', 'reader', 'Sees the account''s resources, and changes nothing.', ':read')) AS role (id, name, description, verb),
    unnest(ARRAY['backup-schedules', 'backup-stores', 'backups', 'events', 'explain', 'floating-addresses', 'images', 'instances', 'interfaces', 'key-pairs', 'load-balancers', 'networks', 'peerings',
        'placement-groups', 'port-forwards', 'quota-requests', 'recoverable-volumes', 'routers', 'security-groups', 'snapshots', 'subnets', 'summary', 'volumes', 'vpns']) AS c
GROUP BY role.id, role.name, role.description, role.verb;

-- Writers: whoever may manage the members of the account or of the domain.
CREATE TABLE memberships (
    user_id    text COLLATE "C" NOT NULL REFERENCES users ON DELETE CASCADE,
    account_id text COLLATE "C" REFERENCES accounts ON DELETE CASCADE,
    domain_id  text COLLATE "C" REFERENCES domains,
    role_id    text COLLATE "C" NOT NULL REFERENCES roles,
    created_at timestamptz NOT NULL,
    CHECK (num_nonnulls(account_id, domain_id) = 1)
);
CREATE UNIQUE INDEX memberships_account ON memberships (user_id, account_id) WHERE account_id IS NOT NULL;
CREATE UNIQUE INDEX memberships_domain ON memberships (user_id, domain_id) WHERE domain_id IS NOT NULL;
CREATE INDEX memberships_of_account ON memberships (account_id, user_id) WHERE account_id IS NOT NULL;
CREATE INDEX memberships_of_domain ON memberships (domain_id, user_id) WHERE domain_id IS NOT NULL;
CREATE INDEX memberships_role ON memberships (role_id);

-- users.role is written for servers of the version before, which know nothing else; users that they make get their membership by this.
CREATE FUNCTION users_are_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO memberships (user_id, account_id, role_id, created_at)
    SELECT NEW.id, NEW.account_id, r.id, NEW.created_at FROM roles r
    WHERE r.account_id IS NULL AND r.domain_id IS NULL AND r.name = CASE NEW.role WHEN 'admin' THEN 'owner' ELSE NEW.role END;
    INSERT INTO memberships (user_id, domain_id, role_id, created_at)
    SELECT NEW.id, 'dom-00000000000000000', r.id, NEW.created_at FROM roles r, accounts a
    WHERE a.id = NEW.account_id AND a.kind = 'operator' AND NEW.role <> 'reader'
      AND r.account_id IS NULL AND r.domain_id IS NULL AND r.name = CASE NEW.role WHEN 'admin' THEN 'administrator' ELSE 'operator' END;
    RETURN NULL;
END $$;
CREATE TRIGGER users_are_members AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION users_are_members();

INSERT INTO memberships (user_id, account_id, role_id, created_at)
SELECT u.id, u.account_id, r.id, u.created_at FROM users u JOIN roles r ON r.name = CASE u.role WHEN 'admin' THEN 'owner' ELSE u.role END;
INSERT INTO memberships (user_id, domain_id, role_id, created_at)
SELECT u.id, 'dom-00000000000000000', r.id, u.created_at FROM users u JOIN accounts a ON a.id = u.account_id AND a.kind = 'operator'
JOIN roles r ON r.name = CASE u.role WHEN 'admin' THEN 'administrator' ELSE 'operator' END WHERE u.role <> 'reader';

ALTER TABLE users
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN email       text;

-- What a token may at most, of what its user may (null: all of it); for which account alone (null: any of the user's); and from where (null: anywhere).
ALTER TABLE tokens
    ADD COLUMN permissions     text[] CHECK (cardinality(permissions) > 0),
    ADD COLUMN only_account_id text COLLATE "C" REFERENCES accounts ON DELETE CASCADE,
    ADD COLUMN allowed_ranges  cidr[] CHECK (cardinality(allowed_ranges) > 0),
    ADD COLUMN source_address  inet,
    ADD COLUMN user_agent      text;
