-- What needs somebody: raised and taken back by what the records say, told to contacts in few messages, and acknowledged by people.

-- Writers: the watch; of the acknowledgement (acknowledged_*, note) users.
CREATE TABLE alerts (
    id              text COLLATE "C" PRIMARY KEY,
    -- Whose it is; null: the operators'.
    account_id      text COLLATE "C" REFERENCES accounts ON DELETE CASCADE,
    kind            text COLLATE "C" NOT NULL,
    severity        text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    resource_type   text NOT NULL,
    resource_id     text COLLATE "C" NOT NULL,
    resource_name   text NOT NULL,
    -- What it follows from: the host of an instance that does not answer. It is told with that, and not by itself.
    cause_id        text COLLATE "C",
    cause_name      text,
    -- Texts for the places of the kind's sentence, which is put into words for whoever reads it.
    arguments       jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(arguments) = 'array'),
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'resolved')),
    -- How often it was raised: one that comes and goes is one alert.
    count           integer NOT NULL DEFAULT 1 CHECK (count >= 1),
    raised_at       timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    note            text NOT NULL DEFAULT '',
    resolved_at     timestamptz,
    CONSTRAINT alerts_resolved_whole CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CONSTRAINT alerts_acknowledged_whole CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (state <> 'acknowledged' OR acknowledged_at IS NOT NULL)),
    CONSTRAINT alerts_cause_whole CHECK ((cause_id IS NULL) = (cause_name IS NULL))
);
CREATE UNIQUE INDEX alerts_once ON alerts (kind, resource_id) WHERE state <> 'resolved';
CREATE INDEX alerts_owner ON alerts ((coalesce(account_id, '')), id);
CREATE INDEX alerts_account ON alerts (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX alerts_resolved ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX alerts_cause ON alerts (cause_id) WHERE cause_id IS NOT NULL AND state <> 'resolved';

-- Where alerts are told. Writers: users; of what became of messages (told_at, failures, last_error, state refused) the sender of mails.
CREATE TABLE contacts (
    id               text COLLATE "C" PRIMARY KEY,
    -- Whose it is; null: the operators'.
    account_id       text COLLATE "C" REFERENCES accounts ON DELETE CASCADE,
    name             text NOT NULL,
    kind             text NOT NULL DEFAULT 'email' CHECK (kind IN ('email', 'webhook')),
    address          text NOT NULL,
    minimum_severity text NOT NULL CHECK (minimum_severity IN ('info', 'warning', 'critical')),
    -- Only alerts of these kinds; none: of all.
    kinds            text[] NOT NULL DEFAULT '{}',
    language         text NOT NULL CHECK (language IN ('en', 'ja')),
    interval_minutes integer NOT NULL CHECK (interval_minutes BETWEEN 1 AND 1440),
    -- pending: nobody has said yet that the address is theirs. refused: its mail server would not have several messages in a row.
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'verified', 'refused')),
    code_hash        bytea,
    code_until       timestamptz,
    code_tries       integer NOT NULL DEFAULT 0,
    verified_at      timestamptz,
    told_at          timestamptz,
    failures         integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    last_error       text,
    created_at       timestamptz NOT NULL,
    CONSTRAINT contacts_verified_whole CHECK (state <> 'verified' OR verified_at IS NOT NULL),
    CONSTRAINT contacts_code_whole CHECK ((code_hash IS NULL) = (code_until IS NULL))
);
CREATE UNIQUE INDEX contacts_name ON contacts ((coalesce(account_id, '')), name);
CREATE INDEX contacts_account ON contacts (account_id) WHERE account_id IS NOT NULL;

-- What a contact has been told, written once its mail server has taken the message. Writers: the sender of mails.
CREATE TABLE alert_tellings (
    contact_id text COLLATE "C" NOT NULL REFERENCES contacts ON DELETE CASCADE,
    alert_id   text COLLATE "C" NOT NULL REFERENCES alerts ON DELETE CASCADE,
    state      text NOT NULL CHECK (state IN ('open', 'resolved')),
    severity   text NOT NULL,
    told_at    timestamptz NOT NULL,
    PRIMARY KEY (contact_id, alert_id)
);
CREATE INDEX alert_tellings_alert ON alert_tellings (alert_id);

-- Messages on their way, written before they are sent: one that is sent again, since nobody knows whether it arrived, is the same one.
-- Writers: the teller of alerts, the use cases of contacts; of everything from next_try_at on the sender.
CREATE TABLE mails (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" REFERENCES accounts ON DELETE CASCADE,
    contact_id  text COLLATE "C" REFERENCES contacts ON DELETE SET NULL,
    purpose     text NOT NULL CHECK (purpose IN ('alerts', 'code')),
    address     text NOT NULL,
    subject     text NOT NULL,
    -- Encrypted by the master key, since some hold codes; null once the message is over.
    sealed_body bytea,
    -- What is told by it, as alert_tellings has it.
    alerts      text[] NOT NULL DEFAULT '{}',
    states      text[] NOT NULL DEFAULT '{}',
    severities  text[] NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    taken_until timestamptz,
    attempts    integer NOT NULL DEFAULT 0,
    sent_at     timestamptz,
    failed_at   timestamptz,
    error       text,
    CONSTRAINT mails_over_once CHECK (num_nonnulls(sent_at, failed_at) <= 1),
    CONSTRAINT mails_body_until_over CHECK ((sealed_body IS NULL) = (num_nonnulls(sent_at, failed_at) = 1)),
    CONSTRAINT mails_told_whole CHECK (cardinality(alerts) = cardinality(states) AND cardinality(alerts) = cardinality(severities))
);
-- What is told twice is told by two messages, one after the other.
CREATE UNIQUE INDEX mails_under_way ON mails (contact_id) WHERE purpose = 'alerts' AND sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX mails_waiting ON mails (next_try_at) WHERE sent_at IS NULL AND failed_at IS NULL;
CREATE INDEX mails_contact ON mails (contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX mails_codes ON mails (address, created_at) WHERE purpose = 'code';
CREATE INDEX mails_account ON mails (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX mails_created ON mails (created_at);

-- Whose these are, among the built-in roles that do not have everything.
UPDATE roles SET permissions = permissions || CASE name WHEN 'reader' THEN ARRAY['alerts:read', 'contacts:read'] WHEN 'member' THEN ARRAY['alerts:*', 'contacts:*'] ELSE ARRAY['cloud-alerts:*', 'cloud-contacts:*'] END
WHERE num_nonnulls(account_id, domain_id) = 0 AND name IN ('member', 'reader', 'operator');
