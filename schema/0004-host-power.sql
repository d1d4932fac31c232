-- Controllers by which hosts' power is switched and asked for. Only additions: a server of the version before runs on beside this one,
-- and bears reading a fence by power.

-- Writers: driver to encrypted_password by operators; state, checked_at and conditions by whoever has asked the controller; notices and
-- cut_at by the server that recovers lost hosts.
CREATE TABLE host_power (
    host_id            text COLLATE "C" PRIMARY KEY REFERENCES hosts ON DELETE CASCADE,
    account_id         text COLLATE "C" NOT NULL REFERENCES accounts,
    driver             text NOT NULL CHECK (driver IN ('ipmi')),
    address            text NOT NULL,
    user_name          text NOT NULL,
    -- With the master key, for this host only.
    encrypted_password bytea NOT NULL,
    -- As the controller said last; null: it has not said anything yet.
    state              text CHECK (state IN ('on', 'off')),
    checked_at         timestamptz,
    -- What keeps the controller from answering.
    conditions         jsonb NOT NULL DEFAULT '[]',
    -- Why the power of a silent host is not cut though it could be.
    notices            jsonb NOT NULL DEFAULT '[]',
    -- When it was last set out to cut the power. Later than the host's last report: this silence's cut has been told in the log.
    cut_at             timestamptz
);
CREATE INDEX host_power_checked ON host_power (checked_at NULLS FIRST);

ALTER TABLE hosts DROP CONSTRAINT hosts_fenced_by_check, ADD CONSTRAINT hosts_fenced_by_check CHECK (fenced_by IN ('lease', 'operator', 'power'));
