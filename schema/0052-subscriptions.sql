-- What happens is handed over to others. The log is the outbox: a subscription has a place in it, which moves on when the receiver has confirmed what was before it.

CREATE TABLE subscriptions (
    id              text COLLATE "C" PRIMARY KEY,
    account_id      text COLLATE "C" NOT NULL REFERENCES accounts,
    -- Writers of these: whoever the subscription belongs to.
    name            text NOT NULL,
    -- cloud: of what happens in all accounts; operators only.
    scope           text NOT NULL CHECK (scope IN ('account', 'cloud')),
    kind            text NOT NULL CHECK (kind IN ('webhook', 'amqp')),
    url             text NOT NULL,
    exchange        text,
    content         text NOT NULL CHECK (content IN ('events', 'usage')),
    -- Patterns, * for anything; none: all actions.
    actions         text[] NOT NULL,
    -- What signs (webhook) or signs in (amqp), under the master key; the former one signs besides until its time is over.
    sealed_secret   bytea,
    sealed_former   bytea,
    former_until    timestamptz,
    created_at      timestamptz NOT NULL,
    -- Writers of the rest: the server that holds the lease, and whoever resumes or disables it, which ends the lease.
    state           text NOT NULL CHECK (state IN ('active', 'failing', 'disabled')),
    reason          text NOT NULL DEFAULT '',
    position_xid    xid8 NOT NULL,
    position_id     text COLLATE "C" NOT NULL,
    failures        integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since   timestamptz,
    next_try_at     timestamptz NOT NULL,
    last_error      text,
    last_delivered_at timestamptz,
    delivered       bigint NOT NULL DEFAULT 0,
    -- One server at a time delivers; another takes over when the time is up.
    holder          text,
    lease_until     timestamptz,
    UNIQUE (account_id, name),
    CHECK ((kind = 'amqp') = (exchange IS NOT NULL)),
    CHECK (kind <> 'webhook' OR sealed_secret IS NOT NULL),
    CHECK ((sealed_former IS NULL) = (former_until IS NULL)),
    CHECK (state = 'disabled' OR (state = 'failing') = (failures > 0)),
    CHECK ((failing_since IS NULL) = (failures = 0)),
    CHECK ((holder IS NULL) = (lease_until IS NULL))
);
CREATE INDEX subscriptions_due ON subscriptions (next_try_at) WHERE state <> 'disabled';

-- For the built-in roles that have all that accounts have; and operators hand over what happens in the whole cloud.
UPDATE roles SET permissions = permissions || CASE name WHEN 'reader' THEN ARRAY['subscriptions:read'] WHEN 'member' THEN ARRAY['subscriptions:*'] ELSE ARRAY['subscriptions:cloud'] END
WHERE num_nonnulls(account_id, domain_id) = 0 AND name IN ('member', 'reader', 'operator');
