-- How much of each countable thing accounts and domains may have. What they have is counted in the transaction that makes it, where there is a
-- limit, so that any number who ask together never get more; where there is none, nothing is written, and use is counted from the records when somebody asks.

-- For accounts without a limit of their own. Writers: administrators of the cloud.
CREATE TABLE quota_defaults (
    resource    text COLLATE "C" PRIMARY KEY,
    quota_limit bigint NOT NULL CHECK (quota_limit >= 0)
);

-- scope_id is an account or a domain; a domain's holds for all accounts beneath it together. A limit of null is none, in spite of the default.
-- Writers: administrators of the domain above, of limits; triggers of the counted tables, of used.
CREATE TABLE quotas (
    scope_id    text COLLATE "C" NOT NULL,
    resource    text COLLATE "C" NOT NULL,
    quota_limit bigint CHECK (quota_limit >= 0),
    used        bigint NOT NULL,
    is_default  boolean NOT NULL,
    PRIMARY KEY (scope_id, resource)
);

-- What accounts ask for.
CREATE TABLE quota_requests (
    id          text COLLATE "C" PRIMARY KEY,
    account_id  text COLLATE "C" NOT NULL REFERENCES accounts,
    resource    text COLLATE "C" NOT NULL,
    asked_limit bigint NOT NULL CHECK (asked_limit >= 0),
    reason      text NOT NULL,
    state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'granted', 'refused')),
    answer      text NOT NULL DEFAULT '',
    asked_by    text NOT NULL,
    answered_by text,
    created_at  timestamptz NOT NULL,
    answered_at timestamptz,
    CHECK ((state = 'pending') = (answered_at IS NULL))
);
CREATE INDEX quota_requests_account ON quota_requests (account_id, id);
CREATE INDEX quota_requests_pending ON quota_requests (id) WHERE state = 'pending';
-- One at a time for each thing.
CREATE UNIQUE INDEX quota_requests_once ON quota_requests (account_id, resource) WHERE state = 'pending';

-- What one record takes: the only place that says what counts. Nothing once its removal was asked for.
CREATE FUNCTION usage_of(i instances) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS
    $$ SELECT * FROM (VALUES ('instances', 1::bigint), ('vcpus', i.vcpus::bigint), ('memory-mib', i.memory_mib::bigint)) AS u WHERE i.desired <> 'terminated' AND i.terminated_at IS NULL $$;
CREATE FUNCTION usage_of(v volumes) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS
    $$ SELECT * FROM (VALUES ('volumes', 1::bigint), ('volume-gib', v.size_gib::bigint)) AS u WHERE v.desired <> 'deleted' AND v.deleted_at IS NULL AND v.image_upload_id IS NULL $$;
CREATE FUNCTION usage_of(s snapshots) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'snapshots', 1::bigint WHERE s.desired <> 'deleted' AND NOT s.internal $$;
CREATE FUNCTION usage_of(b backups) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'backups', 1::bigint WHERE b.desired <> 'deleted' $$;
CREATE FUNCTION usage_of(i images) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'images', 1::bigint WHERE i.deleted_at IS NULL $$;
CREATE FUNCTION usage_of(f floating_addresses) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'floating-addresses', 1::bigint $$;
CREATE FUNCTION usage_of(n networks) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'networks', 1::bigint $$;
CREATE FUNCTION usage_of(r routers) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'routers', 1::bigint $$;
CREATE FUNCTION usage_of(g security_groups) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'security-groups', 1::bigint $$;
CREATE FUNCTION usage_of(r security_group_rules) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'security-group-rules', 1::bigint $$;
CREATE FUNCTION usage_of(b load_balancers) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'load-balancers', 1::bigint $$;
CREATE FUNCTION usage_of(v vpns) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'vpns', 1::bigint $$;
CREATE FUNCTION usage_of(k key_pairs) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'key-pairs', 1::bigint $$;
CREATE FUNCTION usage_of(p placement_groups) RETURNS TABLE (resource text, amount bigint) LANGUAGE sql IMMUTABLE AS $$ SELECT 'placement-groups', 1::bigint $$;

-- What some accounts have, counted from the records.
CREATE FUNCTION usage_of_accounts(accounts text[]) RETURNS TABLE (account_id text, resource text, used bigint) LANGUAGE sql STABLE AS $$
    SELECT account_id, resource, sum(amount)::bigint FROM (
        SELECT t.account_id, u.* FROM instances t, usage_of(t) u WHERE t.account_id = ANY(accounts) AND t.terminated_at IS NULL
        UNION ALL SELECT t.account_id, u.* FROM volumes t, usage_of(t) u WHERE t.account_id = ANY(accounts) AND t.deleted_at IS NULL
        UNION ALL SELECT t.account_id, u.* FROM snapshots t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM backups t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM images t, usage_of(t) u WHERE t.account_id = ANY(accounts) AND t.deleted_at IS NULL
        UNION ALL SELECT t.account_id, u.* FROM floating_addresses t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM networks t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM routers t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM security_groups t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM security_group_rules t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM load_balancers t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM vpns t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM key_pairs t, usage_of(t) u WHERE t.account_id = ANY(accounts)
        UNION ALL SELECT t.account_id, u.* FROM placement_groups t, usage_of(t) u WHERE t.account_id = ANY(accounts)) AS counted
    GROUP BY account_id, resource $$;

-- Counts a change where there is a limit, of the account or of a domain that it is in, and refuses what goes beyond. KQ001 is answered as quota-exceeded.
CREATE FUNCTION count_use(account text, what text[], deltas bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    beyond record;
BEGIN
    -- A limit that is being set counts first what is there: it waits for this transaction, or this one for it.
    LOCK TABLE quotas IN ROW SHARE MODE;
    PERFORM 1 FROM quotas q WHERE q.resource = ANY(what)
        AND q.scope_id IN (SELECT account UNION ALL SELECT unnest(string_to_array(d.lineage, '.')) FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = account)
    ORDER BY q.scope_id, q.resource FOR NO KEY UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    FOR beyond IN
        UPDATE quotas q SET used = q.used + c.delta FROM unnest(what, deltas) AS c (resource, delta)
        WHERE q.resource = c.resource
          AND q.scope_id IN (SELECT account UNION ALL SELECT unnest(string_to_array(d.lineage, '.')) FROM accounts a JOIN domains d ON d.id = a.domain_id WHERE a.id = account)
        RETURNING q.scope_id, q.resource, q.quota_limit, q.used, c.delta
    LOOP
        IF beyond.delta > 0 AND beyond.used > beyond.quota_limit THEN
            RAISE EXCEPTION '% % % % %', beyond.resource, beyond.quota_limit, beyond.used - beyond.delta, beyond.delta, beyond.scope_id USING ERRCODE = 'KQ001';
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION count_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    account text;
    what    text[];
    deltas  bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.resource ORDER BY n.resource), array_agg(n.amount ORDER BY n.resource) INTO what, deltas FROM usage_of(NEW) n;
        account := NEW.account_id;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(o.resource ORDER BY o.resource), array_agg(-o.amount ORDER BY o.resource) INTO what, deltas FROM usage_of(OLD) o;
        account := OLD.account_id;
    ELSE
        SELECT array_agg(c.resource ORDER BY c.resource), array_agg(c.delta ORDER BY c.resource) INTO what, deltas
        FROM (SELECT resource, coalesce(n.amount, 0) - coalesce(o.amount, 0) AS delta FROM usage_of(NEW) n FULL JOIN usage_of(OLD) o USING (resource)) AS c WHERE c.delta <> 0;
        account := NEW.account_id;
    END IF;
    IF what IS NOT NULL THEN PERFORM count_use(account, what, deltas); END IF;
    RETURN NULL;
END $$;
