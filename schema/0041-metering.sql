-- What accounts use, and for how long. Each change of a record that counts is noted by the database, in the transaction of the change: no path of
-- the program can forget it. Beside the time stands the transaction, which the events of the same change have too, so that every hour charged is led back to who did what.

-- An account had so much of something from begun_at to ended_at; null: it has it still. No reference to the account: what was used outlives it.
-- Writers: the triggers beneath.
CREATE TABLE usage_spans (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id    text COLLATE "C" NOT NULL,
    resource_type text NOT NULL,
    resource_id   text COLLATE "C" NOT NULL,
    resource_name text NOT NULL,
    meter         text COLLATE "C" NOT NULL,
    attribute     text NOT NULL,
    quantity      numeric(20, 3) NOT NULL CHECK (quantity > 0),
    begun_at      timestamptz NOT NULL,
    begun_xid     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ended_at      timestamptz CHECK (ended_at >= begun_at),
    ended_xid     xid8,
    CHECK ((ended_at IS NULL) = (ended_xid IS NULL))
);
CREATE UNIQUE INDEX usage_spans_open ON usage_spans (resource_id, meter) WHERE ended_at IS NULL;
CREATE INDEX usage_spans_ended ON usage_spans (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX usage_spans_resource ON usage_spans (resource_id, number);
-- What has changed since somebody looked.
CREATE INDEX usage_spans_begun_xid ON usage_spans (begun_xid);
CREATE INDEX usage_spans_ended_xid ON usage_spans (ended_xid) WHERE ended_xid IS NOT NULL;

-- How much of what one record uses: the only place that says so. What is hidden from its account is not charged.
CREATE FUNCTION metered(i instances) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$
    SELECT 'instance.allocated', i.flavor_name, 1::numeric, i.name WHERE i.desired <> 'terminated' AND i.terminated_at IS NULL
    UNION ALL SELECT 'instance.running', i.flavor_name, 1::numeric, i.name WHERE i.state = 'running' $$;
CREATE FUNCTION metered(v volumes) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql STABLE AS $$
    SELECT 'volume.allocated', coalesce((SELECT t.name FROM volume_types t WHERE t.id = v.type_id), ''), v.size_gib::numeric, v.name
    WHERE v.desired <> 'deleted' AND v.deleted_at IS NULL AND v.image_upload_id IS NULL AND v.move_source_id IS NULL $$;
-- Bytes are charged by the GiB that they have begun.
CREATE FUNCTION metered(s snapshots) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$
    SELECT 'snapshot.stored', '', greatest(1, ceil(s.used_bytes / 1073741824.0)), s.name WHERE s.desired <> 'deleted' AND NOT s.internal AND s.taken_at IS NOT NULL $$;
CREATE FUNCTION metered(b backups) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$
    SELECT 'backup.stored', '', greatest(1, ceil(b.stored_bytes / 1073741824.0)), b.name WHERE b.desired <> 'deleted' AND b.sha256 IS NOT NULL $$;
CREATE FUNCTION metered(i images) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$
    SELECT 'image.stored', '', greatest(1, ceil(i.size_bytes / 1073741824.0)), i.name WHERE i.deleted_at IS NULL AND i.state = 'available' $$;
CREATE FUNCTION metered(f floating_addresses) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$ SELECT 'floating-address.allocated', '', 1::numeric, host(f.address) $$;
CREATE FUNCTION metered(n networks) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$ SELECT 'network.allocated', '', 1::numeric, n.name $$;
CREATE FUNCTION metered(r routers) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$ SELECT 'router.allocated', '', 1::numeric, r.name $$;
CREATE FUNCTION metered(b load_balancers) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$ SELECT 'load-balancer.allocated', '', 1::numeric, b.name $$;
CREATE FUNCTION metered(v vpns) RETURNS TABLE (meter text, attribute text, quantity numeric, name text) LANGUAGE sql IMMUTABLE AS $$ SELECT 'vpn.allocated', '', 1::numeric, v.name $$;

-- Ends what is not so any more and begins what is new. The row is locked by its change, and the clock is read here and not when the transaction began: spans of a
-- record follow each other.
CREATE FUNCTION meter_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        UPDATE usage_spans SET ended_at = greatest(begun_at, clock_timestamp()), ended_xid = pg_current_xact_id() WHERE resource_id = OLD.id AND ended_at IS NULL;
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE usage_spans s SET ended_at = greatest(s.begun_at, clock_timestamp()), ended_xid = pg_current_xact_id()
        WHERE s.resource_id = NEW.id AND s.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM metered(NEW) n WHERE n.meter = s.meter AND n.attribute = s.attribute AND n.quantity = s.quantity);
    END IF;
    INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
    SELECT NEW.account_id, TG_ARGV[0], NEW.id, n.name, n.meter, n.attribute, n.quantity, clock_timestamp() FROM metered(NEW) n
    WHERE NOT EXISTS (SELECT 1 FROM usage_spans s WHERE s.resource_id = NEW.id AND s.meter = n.meter AND s.ended_at IS NULL);
    RETURN NULL;
END $$;

-- Each hour of each account, as the spans and the traffic of the hour say: they are computed from those, and come out the same when they are computed again.
-- xid is the transaction that wrote the record last, so that others can follow what is new. Writer: one server at a time. Partitions are made by it, a month each.
CREATE SEQUENCE usage_record_numbers;
CREATE TABLE usage_records (
    hour          timestamptz NOT NULL,
    account_id    text COLLATE "C" NOT NULL,
    meter         text COLLATE "C" NOT NULL,
    attribute     text NOT NULL,
    resource_type text NOT NULL,
    resource_id   text COLLATE "C" NOT NULL,
    resource_name text NOT NULL,
    quantity      numeric(26, 9) NOT NULL,
    xid           xid8 NOT NULL DEFAULT pg_current_xact_id(),
    number        bigint NOT NULL DEFAULT nextval('usage_record_numbers'),
    PRIMARY KEY (hour, account_id, meter, resource_id, attribute)
) PARTITION BY RANGE (hour);
CREATE INDEX usage_records_account ON usage_records (account_id, hour);
CREATE INDEX usage_records_follow ON usage_records (xid, number);

-- Hours before computed_until are recorded; transactions before seen have been looked at.
CREATE TABLE usage_progress (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    computed_until timestamptz NOT NULL,
    seen           xid8 NOT NULL
);
INSERT INTO usage_progress (computed_until, seen) VALUES (date_trunc('hour', now(), 'UTC'), pg_current_xact_id());
