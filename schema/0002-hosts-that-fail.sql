-- Hosts that fall silent, the leases of movable instances, several servers at once. Only additions: a server of the version before
-- runs on beside this one.

-- What was agreed with the agent in the last answer to its reports: how often it reports. All limits of silence follow from it.
ALTER TABLE hosts ADD COLUMN heartbeat_seconds integer NOT NULL DEFAULT 10 CHECK (heartbeat_seconds BETWEEN 1 AND 300);
-- Instances' disks are on shared storage of this id; null: on the host's own.
ALTER TABLE hosts ADD COLUMN storage text;
-- The revision of the document that the host has last said to have.
ALTER TABLE hosts ADD COLUMN reported_revision bigint NOT NULL DEFAULT 0;
-- An operator wants the host empty: nothing is placed on it, and what may move moves.
ALTER TABLE hosts ADD COLUMN maintenance boolean NOT NULL DEFAULT false;
-- When it became certain that none of the host's movable guests runs: set with the state down, and only then.
ALTER TABLE hosts ADD COLUMN fenced_at timestamptz;
ALTER TABLE hosts ADD COLUMN fenced_by text CHECK (fenced_by IN ('lease', 'operator'));
ALTER TABLE hosts DROP CONSTRAINT hosts_state_check, ADD CONSTRAINT hosts_state_check CHECK (state IN ('up', 'unreachable', 'down')),
    ADD CONSTRAINT hosts_down_is_fenced CHECK (state <> 'down' OR fenced_at IS NOT NULL);

-- What becomes of the instance when its host is lost: wait for it, or be restarted on another.
ALTER TABLE instances ADD COLUMN recovery text NOT NULL DEFAULT 'wait' CHECK (recovery IN ('wait', 'restart'));
-- Higher is restarted first.
ALTER TABLE instances ADD COLUMN recovery_priority integer NOT NULL DEFAULT 0 CHECK (recovery_priority BETWEEN 0 AND 1000);
-- The shared storage that holds the disk; null: the host's own.
ALTER TABLE instances ADD COLUMN storage text;
-- The host's revision that told it of the mark; the host may not know it before it reports that revision.
ALTER TABLE instances ADD COLUMN recovery_revision bigint NOT NULL DEFAULT 0;
-- Conditions that the servers found, beside those that the host reports.
ALTER TABLE instances ADD COLUMN notices jsonb NOT NULL DEFAULT '[]';
-- W3C trace context of the request for the present generation.
ALTER TABLE instances ADD COLUMN trace_parent text;

-- Placements that are over, until their host has said that nothing is left of them.
CREATE TABLE former_placements (
    instance_id text COLLATE "C" NOT NULL REFERENCES instances ON DELETE CASCADE,
    host_id     text COLLATE "C" NOT NULL REFERENCES hosts ON DELETE CASCADE,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    incarnation integer NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (host_id, instance_id)
);

-- Grows when names or members in the network change.
ALTER TABLE networks ADD COLUMN peers_revision bigint NOT NULL DEFAULT 1;

-- Servers that live, for agents to choose among.
CREATE TABLE servers (
    id         text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL,
    agent_url  text NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);

-- Work that only one server does at a time.
CREATE TABLE leases (
    name   text PRIMARY KEY,
    holder text NOT NULL,
    until  timestamptz NOT NULL
);

-- The server at which the viewer of a console waits.
ALTER TABLE console_sessions ADD COLUMN server_url text;

-- How many hosts may still join with the token.
ALTER TABLE join_tokens ADD COLUMN uses integer NOT NULL DEFAULT 1 CHECK (uses > 0);
