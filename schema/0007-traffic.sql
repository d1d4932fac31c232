-- What interfaces carry, as their hosts tell every few minutes: in all, and in each hour for what is charged.

-- Writer: reports of the interface's host. counting and the four "last" say what the host told last, the others what has been added up since the interface began.
CREATE TABLE interface_traffic (
    interface_id          text COLLATE "C" PRIMARY KEY REFERENCES interfaces ON DELETE CASCADE,
    counting              text NOT NULL,
    last_bytes_sent       bigint NOT NULL,
    last_bytes_received   bigint NOT NULL,
    last_packets_sent     bigint NOT NULL,
    last_packets_received bigint NOT NULL,
    bytes_sent            bigint NOT NULL,
    bytes_received        bigint NOT NULL,
    packets_sent          bigint NOT NULL,
    packets_received      bigint NOT NULL,
    told_at               timestamptz NOT NULL
);

-- It outlives the interface: whoever is charged for it may ask later. Writer: the same.
CREATE TABLE interface_traffic_hours (
    account_id       text COLLATE "C" NOT NULL REFERENCES accounts,
    interface_id     text COLLATE "C" NOT NULL,
    hour             timestamptz NOT NULL,
    instance_id      text COLLATE "C" NOT NULL,
    network_id       text COLLATE "C" NOT NULL,
    bytes_sent       bigint NOT NULL,
    bytes_received   bigint NOT NULL,
    packets_sent     bigint NOT NULL,
    packets_received bigint NOT NULL,
    PRIMARY KEY (interface_id, hour)
);
CREATE INDEX interface_traffic_hours_account ON interface_traffic_hours (account_id, hour);
CREATE INDEX interface_traffic_hours_hour ON interface_traffic_hours (hour);
