-- Instances that ended with a host that was given up. Should that come back with one of them still running, it is told that it is over. The version before ignores it.

-- Writers: whoever removes a host as lost; full reports of the host on which it was found.
CREATE TABLE lost_instances (
    id          text COLLATE "C" PRIMARY KEY,
    incarnation integer NOT NULL,
    host_id     text COLLATE "C" REFERENCES hosts ON DELETE SET NULL,
    lost_at     timestamptz NOT NULL
);
CREATE INDEX lost_instances_host ON lost_instances (host_id) WHERE host_id IS NOT NULL;
