CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE FUNCTION public.count_rows() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.count_use(account text, what text[], deltas bigint[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.hold_interface_addresses() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE wanted bigint; held bigint;

BEGIN
    IF EXISTS (SELECT 1 FROM made m JOIN subnets s ON s.id = m.subnet_id WHERE NOT m.address << s.cidr
               UNION ALL SELECT 1 FROM made m JOIN subnets s ON s.id = m.subnet6_id WHERE NOT m.address6 << s.cidr) THEN
        RAISE check_violation USING MESSAGE = 'an interface has an address outside its subnet';

END IF;

SELECT count(*) + count(m.address6) INTO wanted FROM made m;

INSERT INTO subnet_addresses AS s (subnet_id, address, account_id, kind, interface_id)
    SELECT m.subnet_id, m.address, m.account_id, 'interface', m.id FROM made m
    UNION ALL SELECT m.subnet6_id, m.address6, m.account_id, 'interface', m.id FROM made m WHERE m.address6 IS NOT NULL
    ORDER BY 1, 2
    ON CONFLICT (subnet_id, address) DO UPDATE SET account_id = excluded.account_id, kind = excluded.kind, interface_id = excluded.interface_id, released_at = NULL
    WHERE s.released_at IS NOT NULL;

GET DIAGNOSTICS held = ROW_COUNT;

IF held < wanted THEN RAISE unique_violation USING MESSAGE = 'an address is held already'; END IF;

RETURN NULL;

END $$;

CREATE FUNCTION public.hold_load_balancer_addresses() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE held bigint;

BEGIN
    IF EXISTS (SELECT 1 FROM subnets s WHERE s.id = NEW.subnet_id AND NOT NEW.address << s.cidr OR s.id = NEW.subnet6_id AND NOT NEW.address6 << s.cidr) THEN
        RAISE check_violation USING MESSAGE = 'a load balancer has an address outside its subnet';

END IF;

INSERT INTO subnet_addresses AS s (subnet_id, address, account_id, kind)
    SELECT n.subnet_id, n.address, NEW.account_id, 'load-balancer' FROM (VALUES (NEW.subnet_id, NEW.address), (NEW.subnet6_id, NEW.address6)) AS n(subnet_id, address)
    WHERE n.address IS NOT NULL ORDER BY 1, 2
    ON CONFLICT (subnet_id, address) DO UPDATE SET account_id = excluded.account_id, kind = excluded.kind, interface_id = NULL, released_at = NULL
    WHERE s.released_at IS NOT NULL;

GET DIAGNOSTICS held = ROW_COUNT;

IF held < 1 + (NEW.address6 IS NOT NULL)::int THEN RAISE unique_violation USING MESSAGE = 'an address is held already'; END IF;

RETURN NEW;

END $$;

CREATE FUNCTION public.meter_row() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.backups (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    volume_id text NOT NULL COLLATE pg_catalog."C",
    volume_name text NOT NULL,
    size_gib integer NOT NULL,
    place_id text NOT NULL COLLATE pg_catalog."C",
    host_id text COLLATE pg_catalog."C",
    incarnation integer DEFAULT 1 NOT NULL,
    kind text NOT NULL,
    parent_id text COLLATE pg_catalog."C",
    snapshot_id text NOT NULL COLLATE pg_catalog."C",
    base_snapshot_id text COLLATE pg_catalog."C",
    desired text DEFAULT 'present'::text NOT NULL,
    offered boolean DEFAULT false NOT NULL,
    failed boolean DEFAULT false NOT NULL,
    sha256 text,
    moved_bytes bigint DEFAULT 0 NOT NULL,
    stored_bytes bigint DEFAULT 0 NOT NULL,
    taken_at timestamp with time zone,
    consistency text,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    work jsonb,
    work_at timestamp with time zone,
    verify_number bigint DEFAULT 0 NOT NULL,
    verified_number bigint DEFAULT 0 NOT NULL,
    verified_at timestamp with time zone,
    damaged text,
    sealed_key bytea,
    schedule_id text COLLATE pg_catalog."C",
    slot timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    state text GENERATED ALWAYS AS (
CASE
    WHEN (desired = 'deleted'::text) THEN 'deleting'::text
    WHEN failed THEN 'failed'::text
    WHEN (sha256 IS NULL) THEN 'creating'::text
    ELSE 'available'::text
END) STORED NOT NULL,
    data_id text COLLATE pg_catalog."C",
    CONSTRAINT backups_check CHECK ((verified_number <= verify_number)),
    CONSTRAINT backups_consistency_check CHECK ((consistency = ANY (ARRAY['crash'::text, 'filesystem'::text]))),
    CONSTRAINT backups_desired_check CHECK ((desired = ANY (ARRAY['present'::text, 'deleted'::text]))),
    CONSTRAINT backups_kind_check CHECK ((kind = ANY (ARRAY['full'::text, 'incremental'::text]))),
    CONSTRAINT backups_kind_of_parent CHECK (((kind = 'incremental'::text) = (parent_id IS NOT NULL))),
    CONSTRAINT backups_made_whole CHECK ((((sha256 IS NULL) = (taken_at IS NULL)) AND ((sha256 IS NULL) = (consistency IS NULL)))),
    CONSTRAINT backups_moved_bytes_check CHECK ((moved_bytes >= 0)),
    CONSTRAINT backups_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT backups_stored_bytes_check CHECK ((stored_bytes >= 0))
);

CREATE FUNCTION public.metered(b public.backups) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT 'backup.stored', '', greatest(1, ceil(b.stored_bytes / 1073741824.0)), b.name WHERE b.desired <> 'deleted' AND b.sha256 IS NOT NULL $$;

CREATE FUNCTION public.new_id(prefix text) RETURNS text
    LANGUAGE sql
    AS $$ SELECT prefix || '-' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 11, '0') || lpad(to_hex(floor(random() * 16777216)::int), 6, '0') $$;

CREATE TABLE public.floating_addresses (
    address inet NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    interface_id text COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    id text DEFAULT public.new_id('fip'::text) NOT NULL COLLATE pg_catalog."C",
    kept boolean DEFAULT false NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT floating_addresses_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE FUNCTION public.metered(f public.floating_addresses) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'floating-address.allocated', '', 1::numeric, host(f.address) $$;

CREATE TABLE public.images (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    visibility text NOT NULL,
    state text NOT NULL,
    format text NOT NULL,
    source_url text,
    trusted_source boolean DEFAULT false NOT NULL,
    expected_sha256 text,
    default_user text NOT NULL,
    size_bytes bigint,
    virtual_size_bytes bigint,
    sha256 text,
    received_bytes bigint DEFAULT 0 NOT NULL,
    expected_bytes bigint,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease_holder text,
    lease_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    description text DEFAULT ''::text NOT NULL,
    os text DEFAULT ''::text NOT NULL,
    min_disk_gib integer DEFAULT 0 NOT NULL,
    min_memory_mib integer DEFAULT 0 NOT NULL,
    deprecated_at timestamp with time zone,
    source_tag text,
    architecture text DEFAULT 'x86_64'::text NOT NULL,
    firmware text DEFAULT 'bios'::text NOT NULL,
    device_model text DEFAULT 'virtio'::text NOT NULL,
    source_snapshot_id text COLLATE pg_catalog."C",
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT images_check CHECK (((state <> 'available'::text) OR ((size_bytes IS NOT NULL) AND (virtual_size_bytes IS NOT NULL) AND (sha256 IS NOT NULL)))),
    CONSTRAINT images_device_model_check CHECK ((device_model = ANY (ARRAY['virtio'::text, 'emulated'::text]))),
    CONSTRAINT images_firmware_check CHECK ((firmware = ANY (ARRAY['bios'::text, 'uefi'::text]))),
    CONSTRAINT images_format_check CHECK ((format = ANY (ARRAY['qcow2'::text, 'raw'::text, 'iso'::text]))),
    CONSTRAINT images_min_disk_gib_check CHECK (((min_disk_gib >= 0) AND (min_disk_gib <= 65536))),
    CONSTRAINT images_min_memory_mib_check CHECK (((min_memory_mib >= 0) AND (min_memory_mib <= 16777216))),
    CONSTRAINT images_size_bytes_check CHECK ((size_bytes > 0)),
    CONSTRAINT images_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'available'::text, 'failed'::text, 'deleted'::text]))),
    CONSTRAINT images_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text)),
    CONSTRAINT images_virtual_size_bytes_check CHECK ((virtual_size_bytes > 0)),
    CONSTRAINT images_visibility_check CHECK ((visibility = ANY (ARRAY['private'::text, 'public'::text])))
);

CREATE FUNCTION public.metered(i public.images) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT 'image.stored', '', greatest(1, ceil(i.size_bytes / 1073741824.0)), i.name WHERE i.deleted_at IS NULL AND i.state = 'available' $$;

CREATE TABLE public.instances (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    hostname text NOT NULL,
    flavor_id text NOT NULL COLLATE pg_catalog."C",
    flavor_name text NOT NULL,
    vcpus integer NOT NULL,
    memory_mib integer NOT NULL,
    disk_gib integer NOT NULL,
    image_id text NOT NULL COLLATE pg_catalog."C",
    key_pair_id text COLLATE pg_catalog."C",
    key_pair_name text,
    public_key text,
    user_data text,
    zone_id text NOT NULL COLLATE pg_catalog."C",
    host_id text NOT NULL COLLATE pg_catalog."C",
    incarnation integer DEFAULT 1 NOT NULL,
    desired text NOT NULL,
    boot_epoch integer DEFAULT 1 NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    power text DEFAULT 'absent'::text NOT NULL,
    observed_generation bigint DEFAULT 0 NOT NULL,
    observed_epoch integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    terminated_at timestamp with time zone,
    state text GENERATED ALWAYS AS (
CASE
    WHEN (terminated_at IS NOT NULL) THEN 'terminated'::text
    WHEN (desired = 'terminated'::text) THEN 'shutting-down'::text
    WHEN (desired = 'stopped'::text) THEN
    CASE
        WHEN ((power = ANY (ARRAY['running'::text, 'shutdown'::text])) OR (observed_generation < generation)) THEN 'stopping'::text
        ELSE 'stopped'::text
    END
    WHEN (power = 'running'::text) THEN 'running'::text
    ELSE 'pending'::text
END) STORED NOT NULL,
    recovery text DEFAULT 'wait'::text NOT NULL,
    recovery_priority integer DEFAULT 0 NOT NULL,
    storage text,
    recovery_revision bigint DEFAULT 0 NOT NULL,
    notices jsonb DEFAULT '[]'::jsonb NOT NULL,
    trace_parent text,
    placement_group_id text COLLATE pg_catalog."C",
    placement_policy text,
    fixed_volumes integer DEFAULT 0 NOT NULL,
    root_volume boolean DEFAULT false NOT NULL,
    firmware text DEFAULT 'bios'::text NOT NULL,
    device_model text DEFAULT 'virtio'::text NOT NULL,
    cd_image_id text COLLATE pg_catalog."C",
    held boolean DEFAULT false NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    termination_protection boolean DEFAULT false NOT NULL,
    host_pool_id text COLLATE pg_catalog."C",
    required_labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    flavor_labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    metadata_endpoint text DEFAULT 'enabled'::text NOT NULL,
    metadata_tokens text DEFAULT 'optional'::text NOT NULL,
    metadata_hop_limit integer DEFAULT 1 NOT NULL,
    metadata_tags text DEFAULT 'disabled'::text NOT NULL,
    CONSTRAINT instances_check CHECK (((terminated_at IS NULL) OR (desired = 'terminated'::text))),
    CONSTRAINT instances_check1 CHECK ((observed_generation <= generation)),
    CONSTRAINT instances_desired_check CHECK ((desired = ANY (ARRAY['running'::text, 'stopped'::text, 'terminated'::text]))),
    CONSTRAINT instances_device_model_check CHECK ((device_model = ANY (ARRAY['virtio'::text, 'emulated'::text]))),
    CONSTRAINT instances_firmware_check CHECK ((firmware = ANY (ARRAY['bios'::text, 'uefi'::text]))),
    CONSTRAINT instances_fixed_volumes_check CHECK ((fixed_volumes >= 0)),
    CONSTRAINT instances_flavor_labels_check CHECK ((jsonb_typeof(flavor_labels) = 'object'::text)),
    CONSTRAINT instances_metadata_endpoint_check CHECK ((metadata_endpoint = ANY (ARRAY['enabled'::text, 'disabled'::text]))),
    CONSTRAINT instances_metadata_hop_limit_check CHECK (((metadata_hop_limit >= 1) AND (metadata_hop_limit <= 64))),
    CONSTRAINT instances_metadata_tags_check CHECK ((metadata_tags = ANY (ARRAY['enabled'::text, 'disabled'::text]))),
    CONSTRAINT instances_metadata_tokens_check CHECK ((metadata_tokens = ANY (ARRAY['optional'::text, 'required'::text]))),
    CONSTRAINT instances_placement_policy CHECK (((placement_group_id IS NULL) = (placement_policy IS NULL))),
    CONSTRAINT instances_power_check CHECK ((power = ANY (ARRAY['absent'::text, 'stopped'::text, 'running'::text, 'shutdown'::text]))),
    CONSTRAINT instances_recovery_check CHECK ((recovery = ANY (ARRAY['wait'::text, 'restart'::text]))),
    CONSTRAINT instances_recovery_priority_check CHECK (((recovery_priority >= 0) AND (recovery_priority <= 1000))),
    CONSTRAINT instances_required_labels_check CHECK ((jsonb_typeof(required_labels) = 'object'::text)),
    CONSTRAINT instances_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
)
WITH (fillfactor='70');

CREATE FUNCTION public.metered(i public.instances) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT 'instance.allocated', i.flavor_name, 1::numeric, i.name WHERE i.desired <> 'terminated' AND i.terminated_at IS NULL
    UNION ALL SELECT 'instance.running', i.flavor_name, 1::numeric, i.name WHERE i.state = 'running' $$;

CREATE TABLE public.load_balancers (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    subnet_id text NOT NULL COLLATE pg_catalog."C",
    address inet NOT NULL,
    subnet6_id text COLLATE pg_catalog."C",
    address6 inet,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT load_balancers_check CHECK (((subnet6_id IS NULL) = (address6 IS NULL))),
    CONSTRAINT load_balancers_check1 CHECK (((address6 IS NULL) OR ((family(address) = 4) AND (family(address6) = 6))))
);

CREATE FUNCTION public.metered(b public.load_balancers) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'load-balancer.allocated', '', 1::numeric, b.name $$;

CREATE TABLE public.networks (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    vni integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    peers_revision bigint DEFAULT 1 NOT NULL,
    mtu integer,
    outside text DEFAULT 'nat'::text NOT NULL,
    domain text,
    search_domains text[] DEFAULT '{}'::text[] NOT NULL,
    segment_device text,
    segment_vlan integer,
    external_dhcp boolean DEFAULT false NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    range cidr,
    CONSTRAINT networks_mtu_check CHECK (((mtu >= 1280) AND (mtu <= 9000))),
    CONSTRAINT networks_outside_check CHECK ((outside = ANY (ARRAY['nat'::text, 'none'::text]))),
    CONSTRAINT networks_segment_device_check CHECK ((segment_device ~ '^[A-Za-z0-9._-]{1,15}$'::text)),
    CONSTRAINT networks_segment_vlan_check CHECK (((segment_vlan >= 1) AND (segment_vlan <= 4094))),
    CONSTRAINT networks_segment_whole CHECK (((segment_device IS NOT NULL) OR ((segment_vlan IS NULL) AND (NOT external_dhcp)))),
    CONSTRAINT networks_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text)),
    CONSTRAINT networks_vni_check CHECK (((vni >= 1) AND (vni <= 16777215)))
);

CREATE FUNCTION public.metered(n public.networks) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'network.allocated', '', 1::numeric, n.name $$;

CREATE TABLE public.routers (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE FUNCTION public.metered(r public.routers) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'router.allocated', '', 1::numeric, r.name $$;

CREATE TABLE public.snapshots (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    volume_id text NOT NULL COLLATE pg_catalog."C",
    size_gib integer NOT NULL,
    group_id text COLLATE pg_catalog."C",
    instance_id text COLLATE pg_catalog."C",
    instance_name text,
    desired text DEFAULT 'present'::text NOT NULL,
    asked_generation bigint NOT NULL,
    deleted_generation bigint,
    taken_at timestamp with time zone,
    consistency text,
    used_bytes bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    state text GENERATED ALWAYS AS (
CASE
    WHEN (desired = 'deleted'::text) THEN 'deleting'::text
    WHEN (taken_at IS NULL) THEN 'creating'::text
    ELSE 'available'::text
END) STORED NOT NULL,
    image_upload_id text COLLATE pg_catalog."C",
    internal boolean DEFAULT false NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT snapshots_consistency_check CHECK ((consistency = ANY (ARRAY['crash'::text, 'filesystem'::text]))),
    CONSTRAINT snapshots_deleted_whole CHECK (((desired = 'deleted'::text) = (deleted_generation IS NOT NULL))),
    CONSTRAINT snapshots_desired_check CHECK ((desired = ANY (ARRAY['present'::text, 'deleted'::text]))),
    CONSTRAINT snapshots_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text)),
    CONSTRAINT snapshots_taken_whole CHECK (((taken_at IS NULL) = (consistency IS NULL))),
    CONSTRAINT snapshots_used_bytes_check CHECK ((used_bytes >= 0))
);

CREATE FUNCTION public.metered(s public.snapshots) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT 'snapshot.stored', '', greatest(1, ceil(s.used_bytes / 1073741824.0)), s.name WHERE s.desired <> 'deleted' AND NOT s.internal AND s.taken_at IS NOT NULL $$;

CREATE TABLE public.volumes (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    size_gib integer NOT NULL,
    pool_id text NOT NULL COLLATE pg_catalog."C",
    type_id text COLLATE pg_catalog."C",
    image_id text COLLATE pg_catalog."C",
    store_id text COLLATE pg_catalog."C",
    host_id text COLLATE pg_catalog."C",
    incarnation integer DEFAULT 1 NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    observed_generation bigint DEFAULT 0 NOT NULL,
    desired text DEFAULT 'present'::text NOT NULL,
    made_gib integer,
    used_bytes bigint DEFAULT 0 NOT NULL,
    instance_id text COLLATE pg_catalog."C",
    slot integer,
    attached_generation bigint,
    attached boolean DEFAULT false NOT NULL,
    detached_at timestamp with time zone,
    detached_generation bigint,
    delete_on_termination boolean DEFAULT false NOT NULL,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    source_volume_id text COLLATE pg_catalog."C",
    source_snapshot_id text COLLATE pg_catalog."C",
    source_name text,
    restore_snapshot_id text COLLATE pg_catalog."C",
    restore_number bigint DEFAULT 0 NOT NULL,
    restored_number bigint DEFAULT 0 NOT NULL,
    former_name text,
    snapshots integer DEFAULT 0 NOT NULL,
    work jsonb,
    work_at timestamp with time zone,
    image_upload_id text COLLATE pg_catalog."C",
    sealed_key bytea,
    source_backup_id text COLLATE pg_catalog."C",
    source_backup_name text,
    exported boolean DEFAULT false NOT NULL,
    export_incarnation integer DEFAULT 0 NOT NULL,
    export_key bytea,
    export_port integer,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    source_is_volume boolean DEFAULT false NOT NULL,
    export_protocol text DEFAULT 'nbd'::text NOT NULL,
    data_id text COLLATE pg_catalog."C",
    moving_to text COLLATE pg_catalog."C",
    move_source_id text COLLATE pg_catalog."C",
    move_incarnation integer,
    move_key bytea,
    move_port integer,
    drain_reason text,
    state text GENERATED ALWAYS AS (
CASE
    WHEN (deleted_at IS NOT NULL) THEN 'deleted'::text
    WHEN (detached_at IS NOT NULL) THEN 'detaching'::text
    WHEN (desired = 'deleted'::text) THEN
    CASE
        WHEN (snapshots > 0) THEN 'retained'::text
        ELSE 'deleting'::text
    END
    WHEN (moving_to IS NOT NULL) THEN 'moving'::text
    WHEN (restored_number < restore_number) THEN 'restoring'::text
    WHEN (instance_id IS NOT NULL) THEN
    CASE
        WHEN attached THEN 'in-use'::text
        ELSE 'attaching'::text
    END
    WHEN ((store_id IS NOT NULL) AND (made_gib IS NULL)) THEN 'creating'::text
    WHEN (made_gib < size_gib) THEN 'resizing'::text
    ELSE 'available'::text
END) STORED NOT NULL,
    CONSTRAINT volumes_attached_somewhere CHECK ((((instance_id IS NULL) = (slot IS NULL)) AND ((instance_id IS NULL) OR (store_id IS NOT NULL)))),
    CONSTRAINT volumes_check CHECK ((observed_generation <= generation)),
    CONSTRAINT volumes_deleted_is_free CHECK (((deleted_at IS NULL) OR ((instance_id IS NULL) AND (desired = 'deleted'::text)))),
    CONSTRAINT volumes_deleted_without_snapshots CHECK (((deleted_at IS NULL) OR (snapshots = 0))),
    CONSTRAINT volumes_desired_check CHECK ((desired = ANY (ARRAY['present'::text, 'deleted'::text]))),
    CONSTRAINT volumes_detached_whole CHECK ((((detached_at IS NULL) = (detached_generation IS NULL)) AND ((detached_at IS NULL) OR (instance_id IS NOT NULL)))),
    CONSTRAINT volumes_export_incarnation_check CHECK ((export_incarnation >= 0)),
    CONSTRAINT volumes_export_port_check CHECK (((export_port >= 1) AND (export_port <= 65535))),
    CONSTRAINT volumes_export_protocol_check CHECK ((export_protocol = ANY (ARRAY['nbd'::text, 'iscsi'::text]))),
    CONSTRAINT volumes_exported_whole CHECK ((exported OR ((export_key IS NULL) AND (export_port IS NULL)))),
    CONSTRAINT volumes_former_is_deleted CHECK (((former_name IS NULL) OR (desired = 'deleted'::text))),
    CONSTRAINT volumes_incarnation_check CHECK ((incarnation >= 1)),
    CONSTRAINT volumes_made_gib_check CHECK ((made_gib >= 0)),
    CONSTRAINT volumes_move_port_check CHECK (((move_port >= 1) AND (move_port <= 65535))),
    CONSTRAINT volumes_moved_whole CHECK ((((move_source_id IS NOT NULL) = (move_incarnation IS NOT NULL)) AND ((move_source_id IS NOT NULL) OR ((move_key IS NULL) AND (move_port IS NULL))))),
    CONSTRAINT volumes_moving_is_present CHECK (((moving_to IS NULL) OR (desired = 'present'::text))),
    CONSTRAINT volumes_placed CHECK (((store_id IS NULL) = (host_id IS NULL))),
    CONSTRAINT volumes_restored_asked CHECK ((restored_number <= restore_number)),
    CONSTRAINT volumes_restored_whole CHECK ((((source_backup_id IS NULL) = (source_backup_name IS NULL)) AND ((source_backup_id IS NULL) OR (source_volume_id IS NULL)))),
    CONSTRAINT volumes_size_gib_check CHECK (((size_gib >= 1) AND (size_gib <= 65536))),
    CONSTRAINT volumes_slot_check CHECK (((slot >= 0) AND (slot <= 8))),
    CONSTRAINT volumes_snapshots_check CHECK ((snapshots >= 0)),
    CONSTRAINT volumes_sourced_whole CHECK ((((source_volume_id IS NULL) = (source_snapshot_id IS NULL)) AND ((source_volume_id IS NULL) = (source_name IS NULL)))),
    CONSTRAINT volumes_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text)),
    CONSTRAINT volumes_used_bytes_check CHECK ((used_bytes >= 0))
)
WITH (fillfactor='70');

CREATE FUNCTION public.metered(v public.volumes) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql STABLE
    AS $$
    SELECT 'volume.allocated', coalesce((SELECT t.name FROM volume_types t WHERE t.id = v.type_id), ''), v.size_gib::numeric, v.name
    WHERE v.desired <> 'deleted' AND v.deleted_at IS NULL AND v.image_upload_id IS NULL AND v.move_source_id IS NULL $$;

CREATE TABLE public.vpns (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    address inet NOT NULL,
    takes_address boolean NOT NULL,
    port integer NOT NULL,
    public_key text NOT NULL,
    encrypted_private_key bytea NOT NULL,
    last_number integer DEFAULT 1 NOT NULL,
    reported_by text COLLATE pg_catalog."C",
    problem text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT vpns_port_check CHECK (((port >= 1) AND (port <= 65535)))
);

CREATE FUNCTION public.metered(v public.vpns) RETURNS TABLE(meter text, attribute text, quantity numeric, name text)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'vpn.allocated', '', 1::numeric, v.name $$;

CREATE FUNCTION public.rest_floating_address() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.kept AND OLD.interface_id IS NOT NULL THEN
        UPDATE floating_addresses SET interface_id = NULL WHERE address = OLD.address;

RETURN NULL;

END IF;

INSERT INTO resting_addresses (address, released_at) VALUES (OLD.address, clock_timestamp())
    ON CONFLICT (address) DO UPDATE SET released_at = excluded.released_at;

RETURN OLD;

END $$;

CREATE FUNCTION public.rest_interface_addresses() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE subnet_addresses s SET released_at = n.released_at, interface_id = NULL
    FROM after n JOIN before o ON o.id = n.id WHERE s.interface_id = n.id AND o.released_at IS NULL AND n.released_at IS NOT NULL;

RETURN NULL;

END $$;

CREATE FUNCTION public.rest_load_balancer_addresses() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE subnet_addresses SET released_at = clock_timestamp() WHERE kind = 'load-balancer' AND (subnet_id, address) IN ((OLD.subnet_id, OLD.address), (OLD.subnet6_id, OLD.address6));

RETURN NULL;

END $$;

CREATE FUNCTION public.tariff_of(account text, lineage text, of_month date) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT a.tariff_id FROM tariff_assignments a WHERE a.month <= of_month AND a.scope_id = ANY(account || string_to_array(lineage, '.'))
    -- The account's own, then the deeper domain first; that of all has the empty scope, which is what follows a lineage's last dot.
    ORDER BY a.scope_id = account DESC, a.scope_id <> '' DESC, strpos(lineage, a.scope_id) DESC, a.month DESC LIMIT 1 $$;

CREATE FUNCTION public.usage_of(b public.backups) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'backups', 1::bigint WHERE b.desired <> 'deleted' $$;

CREATE FUNCTION public.usage_of(f public.floating_addresses) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'floating-addresses', 1::bigint $$;

CREATE FUNCTION public.usage_of(i public.images) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'images', 1::bigint WHERE i.deleted_at IS NULL $$;

CREATE FUNCTION public.usage_of(i public.instances) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT * FROM (VALUES ('instances', 1::bigint), ('vcpus', i.vcpus::bigint), ('memory-mib', i.memory_mib::bigint)) AS u WHERE i.desired <> 'terminated' AND i.terminated_at IS NULL $$;

CREATE TABLE public.key_pairs (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    type text NOT NULL,
    fingerprint text NOT NULL,
    public_key text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT key_pairs_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE FUNCTION public.usage_of(k public.key_pairs) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'key-pairs', 1::bigint $$;

CREATE FUNCTION public.usage_of(b public.load_balancers) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'load-balancers', 1::bigint $$;

CREATE FUNCTION public.usage_of(n public.networks) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'networks', 1::bigint $$;

CREATE TABLE public.placement_groups (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    policy text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT placement_groups_policy_check CHECK ((policy = ANY (ARRAY['affinity'::text, 'anti-affinity'::text, 'soft-affinity'::text, 'soft-anti-affinity'::text]))),
    CONSTRAINT placement_groups_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE FUNCTION public.usage_of(p public.placement_groups) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'placement-groups', 1::bigint $$;

CREATE FUNCTION public.usage_of(r public.routers) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'routers', 1::bigint $$;

CREATE TABLE public.security_group_rules (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    security_group_id text NOT NULL COLLATE pg_catalog."C",
    direction text NOT NULL,
    protocol text NOT NULL,
    from_port integer,
    to_port integer,
    cidr cidr,
    peer_group_id text COLLATE pg_catalog."C",
    description text,
    CONSTRAINT security_group_rules_check CHECK (((cidr IS NULL) <> (peer_group_id IS NULL))),
    CONSTRAINT security_group_rules_check1 CHECK (((protocol <> 'any'::text) OR ((from_port IS NULL) AND (to_port IS NULL)))),
    CONSTRAINT security_group_rules_check2 CHECK (((protocol <> ALL (ARRAY['tcp'::text, 'udp'::text])) OR (((from_port IS NULL) = (to_port IS NULL)) AND ((from_port IS NULL) OR (((from_port >= 1) AND (from_port <= 65535)) AND ((to_port >= from_port) AND (to_port <= 65535))))))),
    CONSTRAINT security_group_rules_check3 CHECK (((protocol <> 'icmp'::text) OR (((from_port IS NULL) OR ((from_port >= 0) AND (from_port <= 255))) AND ((to_port IS NULL) OR ((from_port IS NOT NULL) AND ((to_port >= 0) AND (to_port <= 255))))))),
    CONSTRAINT security_group_rules_direction_check CHECK ((direction = ANY (ARRAY['ingress'::text, 'egress'::text]))),
    CONSTRAINT security_group_rules_protocol_check CHECK ((protocol = ANY (ARRAY['tcp'::text, 'udp'::text, 'icmp'::text, 'any'::text])))
);

CREATE FUNCTION public.usage_of(r public.security_group_rules) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'security-group-rules', 1::bigint $$;

CREATE TABLE public.security_groups (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT security_groups_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE FUNCTION public.usage_of(g public.security_groups) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'security-groups', 1::bigint $$;

CREATE FUNCTION public.usage_of(s public.snapshots) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'snapshots', 1::bigint WHERE s.desired <> 'deleted' AND NOT s.internal $$;

CREATE FUNCTION public.usage_of(v public.volumes) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT * FROM (VALUES ('volumes', 1::bigint), ('volume-gib', v.size_gib::bigint)) AS u WHERE v.desired <> 'deleted' AND v.deleted_at IS NULL AND v.image_upload_id IS NULL AND v.move_source_id IS NULL $$;

CREATE FUNCTION public.usage_of(v public.vpns) RETURNS TABLE(resource text, amount bigint)
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT 'vpns', 1::bigint $$;

CREATE FUNCTION public.usage_of_accounts(accounts text[]) RETURNS TABLE(account_id text, resource text, used bigint)
    LANGUAGE sql STABLE
    AS $$
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

CREATE FUNCTION public.users_are_members() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE TABLE public.access_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    name text,
    sealed_secret bytea NOT NULL,
    source_ranges cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT access_keys_id_check CHECK ((id ~ '^AKIA[A-Z2-7]{16}$'::text))
);

CREATE TABLE public.accounts (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    kind text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    domain_id text DEFAULT 'dom-00000000000000000'::text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'active'::text NOT NULL,
    state_reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT accounts_kind_check CHECK ((kind = ANY (ARRAY['operator'::text, 'tenant'::text]))),
    CONSTRAINT accounts_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'closed'::text])))
);

CREATE TABLE public.address_pool_accounts (
    pool_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.address_pool_ranges (
    pool_id text NOT NULL COLLATE pg_catalog."C",
    cidr cidr NOT NULL,
    excluded boolean DEFAULT false NOT NULL,
    CONSTRAINT address_pool_ranges_cidr_check CHECK ((family((cidr)::inet) = 4))
);

CREATE TABLE public.address_pools (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    all_accounts boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.address_reservations (
    pool_id text NOT NULL COLLATE pg_catalog."C",
    address inet NOT NULL,
    account_id text COLLATE pg_catalog."C"
);

CREATE TABLE public.alert_tellings (
    contact_id text NOT NULL COLLATE pg_catalog."C",
    alert_id text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL,
    severity text NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT alert_tellings_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text])))
);

CREATE TABLE public.alerts (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    severity text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL COLLATE pg_catalog."C",
    resource_name text NOT NULL,
    cause_id text COLLATE pg_catalog."C",
    cause_name text,
    arguments jsonb DEFAULT '[]'::jsonb NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    count integer DEFAULT 1 NOT NULL,
    raised_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    note text DEFAULT ''::text NOT NULL,
    resolved_at timestamp with time zone,
    CONSTRAINT alerts_acknowledged_whole CHECK ((((acknowledged_at IS NULL) = (acknowledged_by IS NULL)) AND ((state <> 'acknowledged'::text) OR (acknowledged_at IS NOT NULL)))),
    CONSTRAINT alerts_arguments_check CHECK ((jsonb_typeof(arguments) = 'array'::text)),
    CONSTRAINT alerts_cause_whole CHECK (((cause_id IS NULL) = (cause_name IS NULL))),
    CONSTRAINT alerts_count_check CHECK ((count >= 1)),
    CONSTRAINT alerts_resolved_whole CHECK (((state = 'resolved'::text) = (resolved_at IS NOT NULL))),
    CONSTRAINT alerts_severity_check CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT alerts_state_check CHECK ((state = ANY (ARRAY['open'::text, 'acknowledged'::text, 'resolved'::text])))
);

CREATE TABLE public.authority (
    single boolean DEFAULT true NOT NULL,
    certificate text NOT NULL,
    encrypted_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT authority_single_check CHECK (single)
);

CREATE TABLE public.backup_place_hosts (
    place_id text NOT NULL COLLATE pg_catalog."C",
    host_id text NOT NULL COLLATE pg_catalog."C",
    reported_at timestamp with time zone NOT NULL
);

CREATE TABLE public.backup_places (
    id text NOT NULL COLLATE pg_catalog."C",
    store_id text NOT NULL COLLATE pg_catalog."C",
    capacity_gib integer NOT NULL,
    used_gib integer NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT backup_places_capacity_gib_check CHECK ((capacity_gib >= 0)),
    CONSTRAINT backup_places_id_check CHECK ((id ~ '^st-[0-9a-f]{17}$'::text)),
    CONSTRAINT backup_places_used_gib_check CHECK ((used_gib >= 0))
);

CREATE TABLE public.backup_schedules (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    volume_id text NOT NULL COLLATE pg_catalog."C",
    store_id text COLLATE pg_catalog."C",
    every_minutes integer,
    at_minute integer,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    keep integer,
    keep_days integer,
    full_every integer NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    next_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT backup_schedules_at_minute_check CHECK (((at_minute >= 0) AND (at_minute <= 1439))),
    CONSTRAINT backup_schedules_every_minutes_check CHECK (((every_minutes >= 5) AND (every_minutes <= 527040))),
    CONSTRAINT backup_schedules_full_every_check CHECK (((full_every >= 1) AND (full_every <= 100))),
    CONSTRAINT backup_schedules_keep CHECK (((keep IS NOT NULL) OR (keep_days IS NOT NULL))),
    CONSTRAINT backup_schedules_keep_check CHECK (((keep >= 1) AND (keep <= 1000))),
    CONSTRAINT backup_schedules_keep_days_check CHECK (((keep_days >= 1) AND (keep_days <= 3660))),
    CONSTRAINT backup_schedules_when CHECK (((every_minutes IS NULL) <> (at_minute IS NULL)))
);

CREATE TABLE public.backup_stores (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    shared boolean NOT NULL,
    warn_percent integer DEFAULT 80 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT backup_stores_warn_percent_check CHECK (((warn_percent >= 1) AND (warn_percent <= 100)))
);

CREATE TABLE public.deleted_accounts (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    domain_id text NOT NULL COLLATE pg_catalog."C",
    lineage text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone NOT NULL
);

CREATE TABLE public.domains (
    id text NOT NULL COLLATE pg_catalog."C",
    parent_id text COLLATE pg_catalog."C",
    name text NOT NULL,
    path text NOT NULL,
    lineage text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT domains_check CHECK (("right"(lineage, (length(id) + 1)) = (id || '.'::text))),
    CONSTRAINT domains_check1 CHECK (((parent_id IS NULL) = (lineage = (id || '.'::text))))
);

CREATE VIEW public.billed_accounts AS
 SELECT a.id,
    a.name,
    d.lineage,
    a.created_at,
    NULL::timestamp with time zone AS deleted_at
   FROM (public.accounts a
     JOIN public.domains d ON ((d.id = a.domain_id)))
UNION ALL
 SELECT x.id,
    x.name,
    COALESCE(d.lineage, x.lineage) AS lineage,
    x.created_at,
    x.deleted_at
   FROM (public.deleted_accounts x
     LEFT JOIN public.domains d ON ((d.id = x.domain_id)));

CREATE TABLE public.console_sessions (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    ticket_hash bytea,
    connected boolean DEFAULT false NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    server_url text,
    CONSTRAINT console_sessions_kind_check CHECK ((kind = ANY (ARRAY['serial'::text, 'screen'::text, 'log'::text])))
);

CREATE TABLE public.contacts (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    name text NOT NULL,
    kind text DEFAULT 'email'::text NOT NULL,
    address text NOT NULL,
    minimum_severity text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    language text NOT NULL,
    interval_minutes integer NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    code_hash bytea,
    code_until timestamp with time zone,
    code_tries integer DEFAULT 0 NOT NULL,
    verified_at timestamp with time zone,
    told_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    last_error text,
    created_at timestamp with time zone NOT NULL,
    sealed_secret bytea,
    sealed_former bytea,
    former_until timestamp with time zone,
    CONSTRAINT contacts_code_whole CHECK (((code_hash IS NULL) = (code_until IS NULL))),
    CONSTRAINT contacts_failures_check CHECK ((failures >= 0)),
    CONSTRAINT contacts_former CHECK (((sealed_former IS NULL) = (former_until IS NULL))),
    CONSTRAINT contacts_interval_minutes_check CHECK (((interval_minutes >= 1) AND (interval_minutes <= 1440))),
    CONSTRAINT contacts_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'webhook'::text]))),
    CONSTRAINT contacts_language_check CHECK ((language = ANY (ARRAY['en'::text, 'ja'::text]))),
    CONSTRAINT contacts_minimum_severity_check CHECK ((minimum_severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT contacts_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'verified'::text, 'refused'::text]))),
    CONSTRAINT contacts_verified_whole CHECK (((state <> 'verified'::text) OR (verified_at IS NOT NULL))),
    CONSTRAINT contacts_webhook_signed CHECK (((kind = 'webhook'::text) = (sealed_secret IS NOT NULL)))
);

CREATE TABLE public.directories (
    id text NOT NULL COLLATE pg_catalog."C",
    domain_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    url text NOT NULL,
    bind_dn text NOT NULL,
    sealed_password bytea,
    base_dn text NOT NULL,
    user_filter text NOT NULL,
    account_id text COLLATE pg_catalog."C",
    default_role text,
    group_roles jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    kind text DEFAULT 'ldap'::text NOT NULL,
    title text,
    client_id text,
    sealed_client_secret bytea,
    scopes text,
    name_claim text,
    groups_claim text,
    listed boolean DEFAULT false NOT NULL,
    CONSTRAINT directories_kind_check CHECK ((kind = ANY (ARRAY['ldap'::text, 'oidc'::text]))),
    CONSTRAINT directories_oidc_whole CHECK (((kind = 'oidc'::text) = (num_nulls(client_id, scopes, groups_claim) = 0)))
);

CREATE TABLE public.event_retention (
    one boolean DEFAULT true NOT NULL,
    months integer,
    CONSTRAINT event_retention_months_check CHECK (((months >= 1) AND (months <= 1200))),
    CONSTRAINT event_retention_one_check CHECK (one)
);

CREATE TABLE public.events (
    id text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    actor_kind text NOT NULL,
    actor_id text COLLATE pg_catalog."C",
    actor_name text,
    token_id text COLLATE pg_catalog."C",
    source_address inet,
    request_id text,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL COLLATE pg_catalog."C",
    resource_name text NOT NULL,
    message text,
    changes jsonb,
    CONSTRAINT events_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'host'::text, 'system'::text])))
)
PARTITION BY RANGE (at);

CREATE TABLE public.events_rest (
    id text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    actor_kind text NOT NULL,
    actor_id text COLLATE pg_catalog."C",
    actor_name text,
    token_id text COLLATE pg_catalog."C",
    source_address inet,
    request_id text,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL COLLATE pg_catalog."C",
    resource_name text NOT NULL,
    message text,
    changes jsonb,
    CONSTRAINT events_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'host'::text, 'system'::text])))
);

CREATE TABLE public.flavors (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    vcpus integer NOT NULL,
    memory_mib integer NOT NULL,
    disk_gib integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    rate_mbps integer,
    required_labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT flavors_disk_gib_check CHECK (((disk_gib >= 1) AND (disk_gib <= 65536))),
    CONSTRAINT flavors_memory_mib_check CHECK (((memory_mib >= 64) AND (memory_mib <= 16777216))),
    CONSTRAINT flavors_rate_mbps_check CHECK (((rate_mbps >= 1) AND (rate_mbps <= 1000000))),
    CONSTRAINT flavors_required_labels_check CHECK ((jsonb_typeof(required_labels) = 'object'::text)),
    CONSTRAINT flavors_vcpus_check CHECK (((vcpus >= 1) AND (vcpus <= 512)))
);

CREATE TABLE public.floating_ranges (
    cidr cidr NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.former_placements (
    instance_id text NOT NULL COLLATE pg_catalog."C",
    host_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    incarnation integer NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.host_images (
    host_id text NOT NULL COLLATE pg_catalog."C",
    sha256 text NOT NULL COLLATE pg_catalog."C",
    bytes bigint NOT NULL,
    whole boolean NOT NULL,
    condition jsonb,
    CONSTRAINT host_images_bytes_check CHECK ((bytes >= 0))
);

CREATE TABLE public.host_pool_accounts (
    host_pool_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.host_pools (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    all_accounts boolean DEFAULT true NOT NULL,
    cpu_overcommit numeric(5,2),
    memory_overcommit numeric(5,2) DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT host_pools_cpu_overcommit_check CHECK (((cpu_overcommit >= (1)::numeric) AND (cpu_overcommit <= (64)::numeric))),
    CONSTRAINT host_pools_memory_overcommit_check CHECK (((memory_overcommit >= (1)::numeric) AND (memory_overcommit <= (16)::numeric)))
);

CREATE TABLE public.host_power (
    host_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    driver text NOT NULL,
    address text NOT NULL,
    user_name text NOT NULL,
    encrypted_password bytea NOT NULL,
    state text,
    checked_at timestamp with time zone,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    notices jsonb DEFAULT '[]'::jsonb NOT NULL,
    cut_at timestamp with time zone,
    CONSTRAINT host_power_driver_check CHECK ((driver = 'ipmi'::text)),
    CONSTRAINT host_power_state_check CHECK ((state = ANY (ARRAY['on'::text, 'off'::text])))
);

CREATE TABLE public.hosts (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    zone_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    schedulable boolean DEFAULT true NOT NULL,
    certificate_serial text NOT NULL,
    hypervisor text NOT NULL,
    accelerator text NOT NULL,
    accelerator_reason text NOT NULL,
    address text NOT NULL,
    agent_version text NOT NULL,
    boot_id text NOT NULL,
    vcpus integer NOT NULL,
    memory_mib integer NOT NULL,
    disk_gib integer NOT NULL,
    allocated_vcpus integer DEFAULT 0 NOT NULL,
    allocated_memory_mib integer DEFAULT 0 NOT NULL,
    allocated_disk_gib integer DEFAULT 0 NOT NULL,
    instances integer DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    strays text[] DEFAULT '{}'::text[] NOT NULL,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    state text DEFAULT 'up'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    heard_at timestamp with time zone NOT NULL,
    heartbeat_seconds integer DEFAULT 10 NOT NULL,
    storage text,
    reported_revision bigint DEFAULT 0 NOT NULL,
    maintenance boolean DEFAULT false NOT NULL,
    fenced_at timestamp with time zone,
    fenced_by text,
    underlay_mtu integer,
    segment_devices text[] DEFAULT '{}'::text[] NOT NULL,
    image_port integer,
    volume_protocols text[] DEFAULT '{}'::text[] NOT NULL,
    host_pool_id text DEFAULT 'hp-00000000000000000'::text NOT NULL COLLATE pg_catalog."C",
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    physical_vcpus integer,
    physical_memory_mib integer,
    CONSTRAINT hosts_allocated_disk_gib_check CHECK ((allocated_disk_gib >= 0)),
    CONSTRAINT hosts_allocated_memory_mib_check CHECK ((allocated_memory_mib >= 0)),
    CONSTRAINT hosts_allocated_vcpus_check CHECK ((allocated_vcpus >= 0)),
    CONSTRAINT hosts_disk_gib_check CHECK ((disk_gib >= 0)),
    CONSTRAINT hosts_down_is_fenced CHECK (((state <> 'down'::text) OR (fenced_at IS NOT NULL))),
    CONSTRAINT hosts_fenced_by_check CHECK ((fenced_by = ANY (ARRAY['lease'::text, 'operator'::text, 'power'::text]))),
    CONSTRAINT hosts_heartbeat_seconds_check CHECK (((heartbeat_seconds >= 1) AND (heartbeat_seconds <= 300))),
    CONSTRAINT hosts_image_port_check CHECK (((image_port >= 1) AND (image_port <= 65535))),
    CONSTRAINT hosts_instances_check CHECK ((instances >= 0)),
    CONSTRAINT hosts_labels_check CHECK ((jsonb_typeof(labels) = 'object'::text)),
    CONSTRAINT hosts_memory_mib_check CHECK ((memory_mib >= 0)),
    CONSTRAINT hosts_physical_memory_mib_check CHECK ((physical_memory_mib >= 0)),
    CONSTRAINT hosts_physical_vcpus_check CHECK ((physical_vcpus >= 0)),
    CONSTRAINT hosts_state_check CHECK ((state = ANY (ARRAY['up'::text, 'unreachable'::text, 'down'::text]))),
    CONSTRAINT hosts_underlay_mtu_check CHECK ((underlay_mtu > 0)),
    CONSTRAINT hosts_vcpus_check CHECK ((vcpus >= 0))
)
WITH (fillfactor='50');

CREATE TABLE public.idempotency_keys (
    account_id text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    response jsonb,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.image_accounts (
    image_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.image_prefetches (
    image_id text NOT NULL COLLATE pg_catalog."C",
    host_id text COLLATE pg_catalog."C",
    zone_id text COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT image_prefetches_one_scope CHECK (((host_id IS NULL) OR (zone_id IS NULL)))
);

CREATE TABLE public.interface_security_groups (
    interface_id text NOT NULL COLLATE pg_catalog."C",
    security_group_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.interface_traffic (
    interface_id text NOT NULL COLLATE pg_catalog."C",
    counting text NOT NULL,
    last_bytes_sent bigint NOT NULL,
    last_bytes_received bigint NOT NULL,
    last_packets_sent bigint NOT NULL,
    last_packets_received bigint NOT NULL,
    bytes_sent bigint NOT NULL,
    bytes_received bigint NOT NULL,
    packets_sent bigint NOT NULL,
    packets_received bigint NOT NULL,
    told_at timestamp with time zone NOT NULL
);

CREATE TABLE public.interface_traffic_hours (
    account_id text NOT NULL COLLATE pg_catalog."C",
    interface_id text NOT NULL COLLATE pg_catalog."C",
    hour timestamp with time zone NOT NULL,
    instance_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    bytes_sent bigint NOT NULL,
    bytes_received bigint NOT NULL,
    packets_sent bigint NOT NULL,
    packets_received bigint NOT NULL
);

CREATE TABLE public.interfaces (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    instance_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    subnet_id text NOT NULL COLLATE pg_catalog."C",
    device_index integer NOT NULL,
    mac_address macaddr NOT NULL,
    address inet NOT NULL,
    released_at timestamp with time zone,
    subnet6_id text COLLATE pg_catalog."C",
    address6 inet,
    detached_at timestamp with time zone,
    detached_generation bigint,
    allowed_ranges cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    rate_mbps integer,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT interfaces_detached CHECK (((detached_at IS NULL) = (detached_generation IS NULL))),
    CONSTRAINT interfaces_dual CHECK (((subnet6_id IS NULL) = (address6 IS NULL))),
    CONSTRAINT interfaces_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE TABLE public.internet_gateways (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text COLLATE pg_catalog."C",
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT internet_gateways_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE TABLE public.join_tokens (
    secret_hash bytea NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    zone_id text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    uses integer DEFAULT 1 NOT NULL,
    host_pool_id text DEFAULT 'hp-00000000000000000'::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT join_tokens_uses_check CHECK ((uses > 0))
);

CREATE TABLE public.leases (
    name text NOT NULL,
    holder text NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE public.load_balancer_addresses (
    address inet NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    load_balancer_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.load_balancer_listeners (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    load_balancer_id text NOT NULL COLLATE pg_catalog."C",
    protocol text NOT NULL,
    transport text GENERATED ALWAYS AS (
CASE protocol
    WHEN 'udp'::text THEN 'udp'::text
    ELSE 'tcp'::text
END) STORED NOT NULL,
    port integer NOT NULL,
    algorithm text NOT NULL,
    stickiness text NOT NULL,
    sends_proxy boolean NOT NULL,
    certificate text,
    encrypted_key bytea,
    health_protocol text NOT NULL,
    health_path text,
    health_port integer,
    health_interval_seconds integer NOT NULL,
    health_timeout_seconds integer NOT NULL,
    health_rise integer NOT NULL,
    health_fall integer NOT NULL,
    idle_seconds integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT load_balancer_listeners_algorithm_check CHECK ((algorithm = ANY (ARRAY['round-robin'::text, 'least-connections'::text, 'source'::text]))),
    CONSTRAINT load_balancer_listeners_check CHECK (((health_timeout_seconds >= 1) AND (health_timeout_seconds <= health_interval_seconds))),
    CONSTRAINT load_balancer_listeners_check1 CHECK ((((protocol = ANY (ARRAY['https'::text, 'tls'::text])) = (certificate IS NOT NULL)) AND ((certificate IS NULL) = (encrypted_key IS NULL)))),
    CONSTRAINT load_balancer_listeners_check2 CHECK (((stickiness = 'none'::text) OR (protocol = ANY (ARRAY['http'::text, 'https'::text])))),
    CONSTRAINT load_balancer_listeners_check3 CHECK (((protocol <> 'udp'::text) OR ((algorithm <> 'least-connections'::text) AND (NOT sends_proxy)))),
    CONSTRAINT load_balancer_listeners_check4 CHECK (((health_protocol = 'http'::text) = (health_path IS NOT NULL))),
    CONSTRAINT load_balancer_listeners_health_fall_check CHECK (((health_fall >= 1) AND (health_fall <= 10))),
    CONSTRAINT load_balancer_listeners_health_interval_seconds_check CHECK (((health_interval_seconds >= 1) AND (health_interval_seconds <= 300))),
    CONSTRAINT load_balancer_listeners_health_port_check CHECK (((health_port >= 1) AND (health_port <= 65535))),
    CONSTRAINT load_balancer_listeners_health_protocol_check CHECK ((health_protocol = ANY (ARRAY['tcp'::text, 'http'::text, 'none'::text]))),
    CONSTRAINT load_balancer_listeners_health_rise_check CHECK (((health_rise >= 1) AND (health_rise <= 10))),
    CONSTRAINT load_balancer_listeners_idle_seconds_check CHECK (((idle_seconds >= 1) AND (idle_seconds <= 86400))),
    CONSTRAINT load_balancer_listeners_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT load_balancer_listeners_protocol_check CHECK ((protocol = ANY (ARRAY['tcp'::text, 'udp'::text, 'http'::text, 'https'::text, 'tls'::text]))),
    CONSTRAINT load_balancer_listeners_stickiness_check CHECK ((stickiness = ANY (ARRAY['none'::text, 'cookie'::text])))
);

CREATE TABLE public.load_balancer_members (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    listener_id text NOT NULL COLLATE pg_catalog."C",
    interface_id text NOT NULL COLLATE pg_catalog."C",
    port integer NOT NULL,
    weight integer NOT NULL,
    draining boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT load_balancer_members_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT load_balancer_members_weight_check CHECK (((weight >= 0) AND (weight <= 256)))
);

CREATE UNLOGGED TABLE public.load_balancer_sights (
    listener_id text NOT NULL COLLATE pg_catalog."C",
    host_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    reported_at timestamp with time zone NOT NULL,
    sight jsonb NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.login_failures (
    key text NOT NULL,
    failures integer NOT NULL,
    window_end timestamp with time zone NOT NULL,
    CONSTRAINT login_failures_failures_check CHECK ((failures > 0))
);

CREATE TABLE public.lost_instances (
    id text NOT NULL COLLATE pg_catalog."C",
    incarnation integer NOT NULL,
    host_id text COLLATE pg_catalog."C",
    lost_at timestamp with time zone NOT NULL
);

CREATE TABLE public.lost_volumes (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    store_id text NOT NULL COLLATE pg_catalog."C",
    image_id text COLLATE pg_catalog."C",
    type_id text COLLATE pg_catalog."C",
    host_name text NOT NULL,
    lost_at timestamp with time zone NOT NULL,
    sealed_key bytea,
    data_id text COLLATE pg_catalog."C"
);

CREATE TABLE public.mails (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    contact_id text COLLATE pg_catalog."C",
    purpose text NOT NULL,
    address text NOT NULL,
    subject text NOT NULL,
    sealed_body bytea,
    alerts text[] DEFAULT '{}'::text[] NOT NULL,
    states text[] DEFAULT '{}'::text[] NOT NULL,
    severities text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    next_try_at timestamp with time zone NOT NULL,
    taken_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    sent_at timestamp with time zone,
    failed_at timestamp with time zone,
    error text,
    kind text DEFAULT 'email'::text NOT NULL,
    CONSTRAINT mails_body_until_over CHECK (((sealed_body IS NULL) = (num_nonnulls(sent_at, failed_at) = 1))),
    CONSTRAINT mails_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'webhook'::text]))),
    CONSTRAINT mails_over_once CHECK ((num_nonnulls(sent_at, failed_at) <= 1)),
    CONSTRAINT mails_purpose_check CHECK ((purpose = ANY (ARRAY['alerts'::text, 'code'::text]))),
    CONSTRAINT mails_told_whole CHECK (((cardinality(alerts) = cardinality(states)) AND (cardinality(alerts) = cardinality(severities))))
);

CREATE TABLE public.memberships (
    user_id text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    domain_id text COLLATE pg_catalog."C",
    role_id text NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT memberships_check CHECK ((num_nonnulls(account_id, domain_id) = 1))
);

CREATE TABLE public.network_gateways (
    address inet NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    is_source boolean DEFAULT false NOT NULL,
    host_id text COLLATE pg_catalog."C"
);

CREATE TABLE public.network_peerings (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    peer_account_id text NOT NULL COLLATE pg_catalog."C",
    peer_network_id text NOT NULL COLLATE pg_catalog."C",
    active boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT network_peerings_check CHECK ((network_id <> peer_network_id))
);

CREATE TABLE public.router_networks (
    router_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE VIEW public.network_links AS
 SELECT a.network_id,
    b.network_id AS other_id,
    r.name AS by
   FROM ((public.router_networks a
     JOIN public.router_networks b ON (((b.router_id = a.router_id) AND (b.network_id <> a.network_id))))
     JOIN public.routers r ON ((r.id = a.router_id)))
UNION
 SELECT network_peerings.network_id,
    network_peerings.peer_network_id AS other_id,
    network_peerings.id AS by
   FROM public.network_peerings
  WHERE network_peerings.active
UNION
 SELECT network_peerings.peer_network_id AS network_id,
    network_peerings.network_id AS other_id,
    network_peerings.id AS by
   FROM public.network_peerings
  WHERE network_peerings.active;

CREATE TABLE public.network_routes (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    destination cidr NOT NULL,
    via inet NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT network_routes_check CHECK (((family((destination)::inet) = family(via)) AND (NOT (via <<= (destination)::inet))))
);

CREATE SEQUENCE public.network_vni
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 16777215
    CACHE 1
    CYCLE;

CREATE TABLE public.pool_accounts (
    pool_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.pools (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    driver text NOT NULL,
    shared boolean NOT NULL,
    is_default boolean DEFAULT false NOT NULL,
    maintenance boolean DEFAULT false NOT NULL,
    overcommit numeric(5,2) DEFAULT 1 NOT NULL,
    warn_percent integer DEFAULT 80 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    protocol text DEFAULT 'nbd'::text NOT NULL,
    drain_pool_id text COLLATE pg_catalog."C",
    CONSTRAINT pools_drained_elsewhere CHECK (((drain_pool_id <> id) AND ((drain_pool_id IS NULL) OR maintenance))),
    CONSTRAINT pools_driver_check CHECK ((driver = ANY (ARRAY['directory'::text, 'lvm-thin'::text, 'rbd'::text, 'zfs'::text]))),
    CONSTRAINT pools_overcommit_check CHECK (((overcommit >= 0.1) AND (overcommit <= (100)::numeric))),
    CONSTRAINT pools_protocol_check CHECK ((protocol = ANY (ARRAY['nbd'::text, 'iscsi'::text]))),
    CONSTRAINT pools_warn_percent_check CHECK (((warn_percent >= 1) AND (warn_percent <= 100)))
);

CREATE TABLE public.port_forwards (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    address inet NOT NULL,
    protocol text NOT NULL,
    port integer NOT NULL,
    interface_id text NOT NULL COLLATE pg_catalog."C",
    target_port integer NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT port_forwards_port_check CHECK (((port >= 1) AND (port <= 65535))),
    CONSTRAINT port_forwards_protocol_check CHECK ((protocol = ANY (ARRAY['tcp'::text, 'udp'::text]))),
    CONSTRAINT port_forwards_target_port_check CHECK (((target_port >= 1) AND (target_port <= 65535)))
);

CREATE TABLE public.quota_defaults (
    resource text NOT NULL COLLATE pg_catalog."C",
    quota_limit bigint NOT NULL,
    CONSTRAINT quota_defaults_quota_limit_check CHECK ((quota_limit >= 0))
);

CREATE TABLE public.quota_requests (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    resource text NOT NULL COLLATE pg_catalog."C",
    asked_limit bigint NOT NULL,
    reason text NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    asked_by text NOT NULL,
    answered_by text,
    created_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    CONSTRAINT quota_requests_asked_limit_check CHECK ((asked_limit >= 0)),
    CONSTRAINT quota_requests_check CHECK (((state = 'pending'::text) = (answered_at IS NULL))),
    CONSTRAINT quota_requests_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'granted'::text, 'refused'::text])))
);

CREATE TABLE public.quotas (
    scope_id text NOT NULL COLLATE pg_catalog."C",
    resource text NOT NULL COLLATE pg_catalog."C",
    quota_limit bigint,
    used bigint NOT NULL,
    is_default boolean NOT NULL,
    CONSTRAINT quotas_quota_limit_check CHECK ((quota_limit >= 0))
);

CREATE TABLE public.recovery_codes (
    user_id text NOT NULL COLLATE pg_catalog."C",
    code_hash bytea NOT NULL
);

CREATE TABLE public.resting_addresses (
    address inet NOT NULL,
    released_at timestamp with time zone NOT NULL
);

CREATE TABLE public.roles (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text COLLATE pg_catalog."C",
    domain_id text COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    permissions text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT roles_check CHECK ((num_nonnulls(account_id, domain_id) <= 1)),
    CONSTRAINT roles_permissions_check CHECK ((cardinality(permissions) > 0))
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);

CREATE TABLE public.second_factors (
    user_id text NOT NULL COLLATE pg_catalog."C",
    sealed_secret bytea NOT NULL,
    confirmed_at timestamp with time zone,
    last_step bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.servers (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    agent_url text NOT NULL,
    version text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

CREATE TABLE public.sign_in_codes (
    code_hash bytea NOT NULL,
    user_id text NOT NULL COLLATE pg_catalog."C",
    challenge bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.statements (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    account_name text NOT NULL,
    month date NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    body jsonb NOT NULL,
    CONSTRAINT statements_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);

CREATE TABLE public.store_hosts (
    store_id text NOT NULL COLLATE pg_catalog."C",
    host_id text NOT NULL COLLATE pg_catalog."C",
    reported_at timestamp with time zone NOT NULL,
    root boolean DEFAULT false NOT NULL
);

CREATE TABLE public.stores (
    id text NOT NULL COLLATE pg_catalog."C",
    pool_id text NOT NULL COLLATE pg_catalog."C",
    own boolean NOT NULL,
    capacity_gib integer NOT NULL,
    used_gib integer NOT NULL,
    allocated_gib bigint DEFAULT 0 NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT stores_allocated_gib_check CHECK ((allocated_gib >= 0)),
    CONSTRAINT stores_capacity_gib_check CHECK ((capacity_gib >= 0)),
    CONSTRAINT stores_id_check CHECK ((id ~ '^st-[0-9a-f]{17}$'::text)),
    CONSTRAINT stores_used_gib_check CHECK ((used_gib >= 0))
);

CREATE TABLE public.stray_volumes (
    host_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    store_id text NOT NULL COLLATE pg_catalog."C",
    size_gib integer NOT NULL,
    used_bytes bigint NOT NULL,
    written_at timestamp with time zone NOT NULL,
    image_sha256 text,
    first_seen_at timestamp with time zone NOT NULL,
    encrypted boolean DEFAULT false NOT NULL,
    CONSTRAINT stray_volumes_size_gib_check CHECK ((size_gib >= 0)),
    CONSTRAINT stray_volumes_used_bytes_check CHECK ((used_bytes >= 0))
);

CREATE TABLE public.subnet_addresses (
    subnet_id text NOT NULL COLLATE pg_catalog."C",
    address inet NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    interface_id text COLLATE pg_catalog."C",
    released_at timestamp with time zone,
    CONSTRAINT subnet_addresses_check CHECK (((kind = ANY (ARRAY['reserved'::text, 'load-balancer'::text])) OR ((interface_id IS NULL) = (released_at IS NOT NULL)))),
    CONSTRAINT subnet_addresses_kind_check CHECK ((kind = ANY (ARRAY['interface'::text, 'secondary'::text, 'reserved'::text, 'load-balancer'::text])))
);

CREATE TABLE public.subnet_exclusions (
    subnet_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    first_address inet NOT NULL,
    last_address inet NOT NULL,
    reserved boolean NOT NULL,
    CONSTRAINT subnet_exclusions_check CHECK (((first_address <= last_address) AND (family(first_address) = family(last_address))))
);

CREATE TABLE public.subnets (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    network_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    cidr cidr NOT NULL,
    gateway inet NOT NULL,
    dns_servers text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone NOT NULL,
    dhcp_options jsonb DEFAULT '[]'::jsonb NOT NULL,
    first_address inet,
    last_address inet,
    tags jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT subnets_check CHECK ((gateway << (cidr)::inet)),
    CONSTRAINT subnets_part CHECK ((((first_address IS NULL) = (last_address IS NULL)) AND ((first_address IS NULL) OR ((first_address << (cidr)::inet) AND (last_address << (cidr)::inet) AND (first_address <= last_address))))),
    CONSTRAINT subnets_range CHECK ((((family((cidr)::inet) = 4) AND ((masklen((cidr)::inet) >= 16) AND (masklen((cidr)::inet) <= 28))) OR ((family((cidr)::inet) = 6) AND (masklen((cidr)::inet) = 64)))),
    CONSTRAINT subnets_tags_check CHECK ((jsonb_typeof(tags) = 'object'::text))
);

CREATE TABLE public.subscriptions (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    scope text NOT NULL,
    kind text NOT NULL,
    url text NOT NULL,
    exchange text,
    content text NOT NULL,
    actions text[] NOT NULL,
    sealed_secret bytea,
    sealed_former bytea,
    former_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    position_xid xid8 NOT NULL,
    position_id text NOT NULL COLLATE pg_catalog."C",
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    next_try_at timestamp with time zone NOT NULL,
    last_error text,
    last_delivered_at timestamp with time zone,
    delivered bigint DEFAULT 0 NOT NULL,
    holder text,
    lease_until timestamp with time zone,
    CONSTRAINT subscriptions_check CHECK (((kind = 'amqp'::text) = (exchange IS NOT NULL))),
    CONSTRAINT subscriptions_check1 CHECK (((kind <> 'webhook'::text) OR (sealed_secret IS NOT NULL))),
    CONSTRAINT subscriptions_check2 CHECK (((sealed_former IS NULL) = (former_until IS NULL))),
    CONSTRAINT subscriptions_check3 CHECK (((state = 'disabled'::text) OR ((state = 'failing'::text) = (failures > 0)))),
    CONSTRAINT subscriptions_check4 CHECK (((failing_since IS NULL) = (failures = 0))),
    CONSTRAINT subscriptions_check5 CHECK (((holder IS NULL) = (lease_until IS NULL))),
    CONSTRAINT subscriptions_content_check CHECK ((content = ANY (ARRAY['events'::text, 'usage'::text]))),
    CONSTRAINT subscriptions_failures_check CHECK ((failures >= 0)),
    CONSTRAINT subscriptions_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'amqp'::text]))),
    CONSTRAINT subscriptions_scope_check CHECK ((scope = ANY (ARRAY['account'::text, 'cloud'::text]))),
    CONSTRAINT subscriptions_state_check CHECK ((state = ANY (ARRAY['active'::text, 'failing'::text, 'disabled'::text])))
);

CREATE TABLE public.switch_ports (
    switch_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    mode text NOT NULL,
    access_vlan integer,
    trunk_vlans text[] DEFAULT '{}'::text[] NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    applied_generation bigint DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    checked_at timestamp with time zone,
    next_look_at timestamp with time zone,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT switch_ports_access_vlan_check CHECK (((access_vlan >= 1) AND (access_vlan <= 4094))),
    CONSTRAINT switch_ports_check CHECK ((((mode = 'access'::text) = (access_vlan IS NOT NULL)) AND ((mode = 'trunk'::text) = (trunk_vlans <> '{}'::text[])))),
    CONSTRAINT switch_ports_mode_check CHECK ((mode = ANY (ARRAY['access'::text, 'trunk'::text, 'none'::text])))
);

CREATE TABLE public.switches (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    driver text NOT NULL,
    url text NOT NULL,
    encrypted_token bytea NOT NULL,
    authority_pem text,
    created_at timestamp with time zone NOT NULL,
    checked_at timestamp with time zone,
    conditions jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT switches_driver_check CHECK ((driver = 'rest'::text))
);

CREATE TABLE public.tariff_assignments (
    scope_id text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    tariff_id text COLLATE pg_catalog."C",
    CONSTRAINT tariff_assignments_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);

CREATE TABLE public.tariff_prices (
    id text NOT NULL COLLATE pg_catalog."C",
    tariff_id text NOT NULL COLLATE pg_catalog."C",
    meter text NOT NULL COLLATE pg_catalog."C",
    attribute text NOT NULL,
    price numeric(20,8) NOT NULL,
    included numeric(20,3) NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone,
    CONSTRAINT tariff_prices_check CHECK (((valid_until >= valid_from) AND (valid_until = date_trunc('hour'::text, valid_until, 'UTC'::text)))),
    CONSTRAINT tariff_prices_included_check CHECK ((included >= (0)::numeric)),
    CONSTRAINT tariff_prices_price_check CHECK ((price >= (0)::numeric)),
    CONSTRAINT tariff_prices_valid_from_check CHECK ((valid_from = date_trunc('hour'::text, valid_from, 'UTC'::text)))
);

CREATE TABLE public.tariffs (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    currency text NOT NULL,
    time_zone text NOT NULL,
    tax_percent numeric(6,3) NOT NULL,
    rounding text NOT NULL,
    issued_month date,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT tariffs_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT tariffs_issued_month_check CHECK ((EXTRACT(day FROM issued_month) = (1)::numeric)),
    CONSTRAINT tariffs_rounding_check CHECK ((rounding = ANY (ARRAY['half-up'::text, 'down'::text]))),
    CONSTRAINT tariffs_tax_percent_check CHECK (((tax_percent >= (0)::numeric) AND (tax_percent <= (100)::numeric)))
);

CREATE TABLE public.tokens (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    name text,
    secret_hash bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    permissions text[],
    only_account_id text COLLATE pg_catalog."C",
    allowed_ranges cidr[],
    source_address inet,
    user_agent text,
    CONSTRAINT tokens_allowed_ranges_check CHECK ((cardinality(allowed_ranges) > 0)),
    CONSTRAINT tokens_check CHECK (((kind = 'api'::text) OR (expires_at IS NOT NULL))),
    CONSTRAINT tokens_check1 CHECK (((kind = 'session'::text) OR (name IS NOT NULL))),
    CONSTRAINT tokens_kind_check CHECK ((kind = ANY (ARRAY['session'::text, 'api'::text]))),
    CONSTRAINT tokens_permissions_check CHECK ((cardinality(permissions) > 0))
);

CREATE TABLE public.usage_progress (
    one boolean DEFAULT true NOT NULL,
    computed_until timestamp with time zone NOT NULL,
    seen xid8 NOT NULL,
    CONSTRAINT usage_progress_one_check CHECK (one)
);

CREATE SEQUENCE public.usage_record_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.usage_records (
    hour timestamp with time zone NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    meter text NOT NULL COLLATE pg_catalog."C",
    attribute text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL COLLATE pg_catalog."C",
    resource_name text NOT NULL,
    quantity numeric(26,9) NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    number bigint DEFAULT nextval('public.usage_record_numbers'::regclass) NOT NULL
)
PARTITION BY RANGE (hour);

CREATE TABLE public.usage_spans (
    number bigint NOT NULL,
    account_id text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL,
    resource_id text NOT NULL COLLATE pg_catalog."C",
    resource_name text NOT NULL,
    meter text NOT NULL COLLATE pg_catalog."C",
    attribute text NOT NULL,
    quantity numeric(20,3) NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    begun_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    ended_at timestamp with time zone,
    ended_xid xid8,
    CONSTRAINT usage_spans_check CHECK ((ended_at >= begun_at)),
    CONSTRAINT usage_spans_check1 CHECK (((ended_at IS NULL) = (ended_xid IS NULL))),
    CONSTRAINT usage_spans_quantity_check CHECK ((quantity > (0)::numeric))
);

ALTER TABLE public.usage_spans ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.usage_spans_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.users (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    email text,
    directory_id text COLLATE pg_catalog."C",
    directory_subject text,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text, 'reader'::text])))
);

CREATE TABLE public.vlan_ranges (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    device text NOT NULL,
    first_vlan integer NOT NULL,
    last_vlan integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT vlan_ranges_check CHECK (((last_vlan >= first_vlan) AND (last_vlan <= 4094))),
    CONSTRAINT vlan_ranges_device_check CHECK ((device ~ '^[A-Za-z0-9._-]{1,15}$'::text)),
    CONSTRAINT vlan_ranges_first_vlan_check CHECK (((first_vlan >= 1) AND (first_vlan <= 4094)))
);

CREATE TABLE public.volume_types (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    iops integer,
    mib_per_second integer,
    created_at timestamp with time zone NOT NULL,
    encrypted boolean DEFAULT false NOT NULL,
    CONSTRAINT volume_types_iops_check CHECK (((iops >= 1) AND (iops <= 10000000))),
    CONSTRAINT volume_types_mib_per_second_check CHECK (((mib_per_second >= 1) AND (mib_per_second <= 1000000)))
);

CREATE TABLE public.vpn_peers (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    vpn_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    public_key text NOT NULL,
    number integer,
    configured_endpoint text,
    encrypted_preshared_key bytea,
    created_at timestamp with time zone NOT NULL,
    handshake_at timestamp with time zone,
    endpoint text,
    bytes_in bigint DEFAULT 0 NOT NULL,
    bytes_out bigint DEFAULT 0 NOT NULL,
    CONSTRAINT vpn_peers_number_check CHECK ((number >= 2))
);

CREATE TABLE public.vpn_ranges (
    network_id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    vpn_id text NOT NULL COLLATE pg_catalog."C",
    peer_id text COLLATE pg_catalog."C",
    range cidr NOT NULL
);

CREATE TABLE public.zones (
    id text NOT NULL COLLATE pg_catalog."C",
    account_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.events ATTACH PARTITION public.events_rest DEFAULT;

ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT access_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_name_key UNIQUE (name);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.address_pool_accounts
    ADD CONSTRAINT address_pool_accounts_pkey PRIMARY KEY (pool_id, account_id);

ALTER TABLE ONLY public.address_pool_ranges
    ADD CONSTRAINT address_pool_ranges_cidr_excl EXCLUDE USING gist (cidr inet_ops WITH &&) WHERE ((NOT excluded));

ALTER TABLE ONLY public.address_pool_ranges
    ADD CONSTRAINT address_pool_ranges_pkey PRIMARY KEY (pool_id, cidr, excluded);

ALTER TABLE ONLY public.address_pools
    ADD CONSTRAINT address_pools_name_key UNIQUE (name);

ALTER TABLE ONLY public.address_pools
    ADD CONSTRAINT address_pools_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.address_reservations
    ADD CONSTRAINT address_reservations_pkey PRIMARY KEY (address);

ALTER TABLE ONLY public.alert_tellings
    ADD CONSTRAINT alert_tellings_pkey PRIMARY KEY (contact_id, alert_id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.authority
    ADD CONSTRAINT authority_pkey PRIMARY KEY (single);

ALTER TABLE ONLY public.backup_place_hosts
    ADD CONSTRAINT backup_place_hosts_pkey PRIMARY KEY (place_id, host_id);

ALTER TABLE ONLY public.backup_places
    ADD CONSTRAINT backup_places_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.backup_schedules
    ADD CONSTRAINT backup_schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.backup_stores
    ADD CONSTRAINT backup_stores_name_key UNIQUE (name);

ALTER TABLE ONLY public.backup_stores
    ADD CONSTRAINT backup_stores_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.console_sessions
    ADD CONSTRAINT console_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.console_sessions
    ADD CONSTRAINT console_sessions_ticket_hash_key UNIQUE (ticket_hash);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.deleted_accounts
    ADD CONSTRAINT deleted_accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.directories
    ADD CONSTRAINT directories_name_key UNIQUE (name);

ALTER TABLE ONLY public.directories
    ADD CONSTRAINT directories_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_lineage_key UNIQUE (lineage);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_parent_id_name_key UNIQUE (parent_id, name);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_path_key UNIQUE (path);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.event_retention
    ADD CONSTRAINT event_retention_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (at, id);

ALTER TABLE ONLY public.events_rest
    ADD CONSTRAINT events_rest_pkey PRIMARY KEY (at, id);

ALTER TABLE ONLY public.flavors
    ADD CONSTRAINT flavors_name_key UNIQUE (name);

ALTER TABLE ONLY public.flavors
    ADD CONSTRAINT flavors_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.floating_addresses
    ADD CONSTRAINT floating_addresses_interface_id_key UNIQUE (interface_id);

ALTER TABLE ONLY public.floating_addresses
    ADD CONSTRAINT floating_addresses_pkey PRIMARY KEY (address);

ALTER TABLE ONLY public.floating_ranges
    ADD CONSTRAINT floating_ranges_pkey PRIMARY KEY (cidr);

ALTER TABLE ONLY public.former_placements
    ADD CONSTRAINT former_placements_pkey PRIMARY KEY (host_id, instance_id);

ALTER TABLE ONLY public.host_images
    ADD CONSTRAINT host_images_pkey PRIMARY KEY (host_id, sha256);

ALTER TABLE ONLY public.host_pool_accounts
    ADD CONSTRAINT host_pool_accounts_pkey PRIMARY KEY (host_pool_id, account_id);

ALTER TABLE ONLY public.host_pools
    ADD CONSTRAINT host_pools_name_key UNIQUE (name);

ALTER TABLE ONLY public.host_pools
    ADD CONSTRAINT host_pools_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.host_power
    ADD CONSTRAINT host_power_pkey PRIMARY KEY (host_id);

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_name_key UNIQUE (name);

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, key);

ALTER TABLE ONLY public.image_accounts
    ADD CONSTRAINT image_accounts_pkey PRIMARY KEY (image_id, account_id);

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_affinity EXCLUDE USING gist (placement_group_id WITH =, host_id WITH <>) WHERE (((placement_policy = 'affinity'::text) AND (terminated_at IS NULL))) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.interface_security_groups
    ADD CONSTRAINT interface_security_groups_pkey PRIMARY KEY (interface_id, security_group_id);

ALTER TABLE ONLY public.interface_traffic_hours
    ADD CONSTRAINT interface_traffic_hours_pkey PRIMARY KEY (interface_id, hour);

ALTER TABLE ONLY public.interface_traffic
    ADD CONSTRAINT interface_traffic_pkey PRIMARY KEY (interface_id);

ALTER TABLE ONLY public.interfaces
    ADD CONSTRAINT interfaces_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.internet_gateways
    ADD CONSTRAINT internet_gateways_network_id_key UNIQUE (network_id);

ALTER TABLE ONLY public.internet_gateways
    ADD CONSTRAINT internet_gateways_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_pkey PRIMARY KEY (secret_hash);

ALTER TABLE ONLY public.key_pairs
    ADD CONSTRAINT key_pairs_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.key_pairs
    ADD CONSTRAINT key_pairs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.load_balancer_addresses
    ADD CONSTRAINT load_balancer_addresses_pkey PRIMARY KEY (address);

ALTER TABLE ONLY public.load_balancer_listeners
    ADD CONSTRAINT load_balancer_listeners_load_balancer_id_transport_port_key UNIQUE (load_balancer_id, transport, port);

ALTER TABLE ONLY public.load_balancer_listeners
    ADD CONSTRAINT load_balancer_listeners_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.load_balancer_members
    ADD CONSTRAINT load_balancer_members_listener_id_interface_id_port_key UNIQUE (listener_id, interface_id, port);

ALTER TABLE ONLY public.load_balancer_members
    ADD CONSTRAINT load_balancer_members_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.load_balancer_sights
    ADD CONSTRAINT load_balancer_sights_pkey PRIMARY KEY (listener_id, host_id);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_subnet6_id_address6_key UNIQUE (subnet6_id, address6);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_subnet_id_address_key UNIQUE (subnet_id, address);

ALTER TABLE ONLY public.login_failures
    ADD CONSTRAINT login_failures_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.lost_instances
    ADD CONSTRAINT lost_instances_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.lost_volumes
    ADD CONSTRAINT lost_volumes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.network_gateways
    ADD CONSTRAINT network_gateways_pkey PRIMARY KEY (address);

ALTER TABLE ONLY public.network_peerings
    ADD CONSTRAINT network_peerings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.network_routes
    ADD CONSTRAINT network_routes_network_id_destination_key UNIQUE (network_id, destination);

ALTER TABLE ONLY public.network_routes
    ADD CONSTRAINT network_routes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.networks
    ADD CONSTRAINT networks_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.networks
    ADD CONSTRAINT networks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.networks
    ADD CONSTRAINT networks_vni_key UNIQUE (vni);

ALTER TABLE ONLY public.placement_groups
    ADD CONSTRAINT placement_groups_account_id_id_policy_key UNIQUE (account_id, id, policy);

ALTER TABLE ONLY public.placement_groups
    ADD CONSTRAINT placement_groups_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.placement_groups
    ADD CONSTRAINT placement_groups_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pool_accounts
    ADD CONSTRAINT pool_accounts_pkey PRIMARY KEY (pool_id, account_id);

ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pools_name_key UNIQUE (name);

ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pools_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.port_forwards
    ADD CONSTRAINT port_forwards_address_protocol_port_key UNIQUE (address, protocol, port);

ALTER TABLE ONLY public.port_forwards
    ADD CONSTRAINT port_forwards_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.quota_defaults
    ADD CONSTRAINT quota_defaults_pkey PRIMARY KEY (resource);

ALTER TABLE ONLY public.quota_requests
    ADD CONSTRAINT quota_requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.quotas
    ADD CONSTRAINT quotas_pkey PRIMARY KEY (scope_id, resource);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash);

ALTER TABLE ONLY public.resting_addresses
    ADD CONSTRAINT resting_addresses_pkey PRIMARY KEY (address);

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.router_networks
    ADD CONSTRAINT router_networks_pkey PRIMARY KEY (router_id, network_id);

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.security_group_rules
    ADD CONSTRAINT security_group_rules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.security_groups
    ADD CONSTRAINT security_groups_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.security_groups
    ADD CONSTRAINT security_groups_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.servers
    ADD CONSTRAINT servers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sign_in_codes
    ADD CONSTRAINT sign_in_codes_pkey PRIMARY KEY (code_hash);

ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.statements
    ADD CONSTRAINT statements_account_id_month_key UNIQUE (account_id, month);

ALTER TABLE ONLY public.statements
    ADD CONSTRAINT statements_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.store_hosts
    ADD CONSTRAINT store_hosts_pkey PRIMARY KEY (store_id, host_id);

ALTER TABLE ONLY public.stores
    ADD CONSTRAINT stores_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stray_volumes
    ADD CONSTRAINT stray_volumes_pkey PRIMARY KEY (host_id, id);

ALTER TABLE ONLY public.subnet_addresses
    ADD CONSTRAINT subnet_addresses_pkey PRIMARY KEY (subnet_id, address);

ALTER TABLE ONLY public.subnet_exclusions
    ADD CONSTRAINT subnet_exclusions_pkey PRIMARY KEY (subnet_id, reserved, first_address, last_address);

ALTER TABLE ONLY public.subnets
    ADD CONSTRAINT subnets_network_id_cidr_excl EXCLUDE USING gist (network_id WITH =, cidr inet_ops WITH &&);

ALTER TABLE ONLY public.subnets
    ADD CONSTRAINT subnets_network_id_name_key UNIQUE (network_id, name);

ALTER TABLE ONLY public.subnets
    ADD CONSTRAINT subnets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.switch_ports
    ADD CONSTRAINT switch_ports_pkey PRIMARY KEY (switch_id, name);

ALTER TABLE ONLY public.switches
    ADD CONSTRAINT switches_name_key UNIQUE (name);

ALTER TABLE ONLY public.switches
    ADD CONSTRAINT switches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tariff_assignments
    ADD CONSTRAINT tariff_assignments_pkey PRIMARY KEY (scope_id, month);

ALTER TABLE ONLY public.tariff_prices
    ADD CONSTRAINT tariff_prices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tariffs
    ADD CONSTRAINT tariffs_name_key UNIQUE (name);

ALTER TABLE ONLY public.tariffs
    ADD CONSTRAINT tariffs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_secret_hash_key UNIQUE (secret_hash);

ALTER TABLE ONLY public.usage_progress
    ADD CONSTRAINT usage_progress_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.usage_records
    ADD CONSTRAINT usage_records_pkey PRIMARY KEY (hour, account_id, meter, resource_id, attribute);

ALTER TABLE ONLY public.usage_spans
    ADD CONSTRAINT usage_spans_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_name_key UNIQUE (name);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vlan_ranges
    ADD CONSTRAINT vlan_ranges_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.volume_types
    ADD CONSTRAINT volume_types_name_key UNIQUE (name);

ALTER TABLE ONLY public.volume_types
    ADD CONSTRAINT volume_types_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_data UNIQUE (data_id) DEFERRABLE;

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vpn_peers
    ADD CONSTRAINT vpn_peers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.vpn_peers
    ADD CONSTRAINT vpn_peers_vpn_id_number_key UNIQUE (vpn_id, number);

ALTER TABLE ONLY public.vpn_peers
    ADD CONSTRAINT vpn_peers_vpn_id_public_key_key UNIQUE (vpn_id, public_key);

ALTER TABLE ONLY public.vpn_ranges
    ADD CONSTRAINT vpn_ranges_network_id_range_excl EXCLUDE USING gist (network_id WITH =, range inet_ops WITH &&);

ALTER TABLE ONLY public.vpn_ranges
    ADD CONSTRAINT vpn_ranges_pkey PRIMARY KEY (network_id, range);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_account_id_name_key UNIQUE (account_id, name);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_address_key UNIQUE (address);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_network_id_key UNIQUE (network_id);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.zones
    ADD CONSTRAINT zones_name_key UNIQUE (name);

ALTER TABLE ONLY public.zones
    ADD CONSTRAINT zones_pkey PRIMARY KEY (id);

CREATE INDEX access_keys_account ON public.access_keys USING btree (account_id);

CREATE INDEX access_keys_user ON public.access_keys USING btree (user_id);

CREATE UNIQUE INDEX access_keys_user_name ON public.access_keys USING btree (user_id, name) WHERE (name IS NOT NULL);

CREATE INDEX accounts_domain ON public.accounts USING btree (domain_id, id);

CREATE UNIQUE INDEX accounts_one_operator ON public.accounts USING btree (kind) WHERE (kind = 'operator'::text);

CREATE INDEX alert_tellings_alert ON public.alert_tellings USING btree (alert_id);

CREATE INDEX alerts_account ON public.alerts USING btree (account_id) WHERE (account_id IS NOT NULL);

CREATE INDEX alerts_cause ON public.alerts USING btree (cause_id) WHERE ((cause_id IS NOT NULL) AND (state <> 'resolved'::text));

CREATE UNIQUE INDEX alerts_once ON public.alerts USING btree (kind, resource_id) WHERE (state <> 'resolved'::text);

CREATE INDEX alerts_owner ON public.alerts USING btree (COALESCE(account_id, ''::text), id);

CREATE INDEX alerts_resolved ON public.alerts USING btree (resolved_at) WHERE (resolved_at IS NOT NULL);

CREATE INDEX backup_place_hosts_host ON public.backup_place_hosts USING btree (host_id);

CREATE INDEX backup_places_store ON public.backup_places USING btree (store_id);

CREATE UNIQUE INDEX backup_schedules_name ON public.backup_schedules USING btree (account_id, name);

CREATE INDEX backup_schedules_next ON public.backup_schedules USING btree (next_at) WHERE enabled;

CREATE INDEX backups_host ON public.backups USING btree (host_id);

CREATE UNIQUE INDEX backups_name ON public.backups USING btree (account_id, name);

CREATE INDEX backups_parent ON public.backups USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE UNIQUE INDEX backups_slot ON public.backups USING btree (schedule_id, slot) WHERE (schedule_id IS NOT NULL);

CREATE UNIQUE INDEX backups_under_way ON public.backups USING btree (volume_id, place_id) WHERE ((sha256 IS NULL) AND (desired = 'present'::text) AND (NOT failed));

CREATE INDEX backups_volume ON public.backups USING btree (volume_id, id);

CREATE INDEX console_sessions_instance ON public.console_sessions USING btree (instance_id);

CREATE INDEX contacts_account ON public.contacts USING btree (account_id) WHERE (account_id IS NOT NULL);

CREATE UNIQUE INDEX contacts_name ON public.contacts USING btree (COALESCE(account_id, ''::text), name);

CREATE UNIQUE INDEX domains_one_root ON public.domains USING btree (((parent_id IS NULL))) WHERE (parent_id IS NULL);

CREATE INDEX events_account ON ONLY public.events USING btree (account_id, id);

CREATE INDEX events_resource ON ONLY public.events USING btree (resource_id, id);

CREATE INDEX events_follow ON ONLY public.events USING btree (xid, id);

CREATE INDEX events_rest_account_id_id_idx ON public.events_rest USING btree (account_id, id);

CREATE INDEX events_rest_resource_id_id_idx ON public.events_rest USING btree (resource_id, id);

CREATE INDEX events_rest_xid_id_idx ON public.events_rest USING btree (xid, id);

CREATE INDEX floating_addresses_account ON public.floating_addresses USING btree (account_id, id);

CREATE INDEX host_images_whole ON public.host_images USING btree (sha256) WHERE whole;

CREATE INDEX host_pool_accounts_account ON public.host_pool_accounts USING btree (account_id);

CREATE INDEX host_power_checked ON public.host_power USING btree (checked_at NULLS FIRST);

CREATE INDEX hosts_pool ON public.hosts USING btree (host_pool_id);

CREATE INDEX hosts_underlay_mtu ON public.hosts USING btree (underlay_mtu);

CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);

CREATE INDEX image_accounts_account ON public.image_accounts USING btree (account_id);

CREATE UNIQUE INDEX image_prefetches_scope ON public.image_prefetches USING btree (image_id, COALESCE(host_id, ''::text), COALESCE(zone_id, ''::text));

CREATE UNIQUE INDEX images_name ON public.images USING btree (account_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX images_public ON public.images USING btree (id) WHERE ((visibility = 'public'::text) AND (deleted_at IS NULL));

CREATE INDEX images_sha256 ON public.images USING btree (sha256) WHERE (deleted_at IS NULL);

CREATE INDEX instances_account ON public.instances USING btree (account_id, id) WHERE (terminated_at IS NULL);

CREATE UNIQUE INDEX instances_anti_affinity ON public.instances USING btree (placement_group_id, host_id) WHERE ((placement_policy = 'anti-affinity'::text) AND (terminated_at IS NULL));

CREATE INDEX instances_by_placement_group ON public.instances USING btree (placement_group_id) WHERE (placement_group_id IS NOT NULL);

CREATE INDEX instances_cd ON public.instances USING btree (cd_image_id) WHERE ((cd_image_id IS NOT NULL) AND (terminated_at IS NULL));

CREATE INDEX instances_held ON public.instances USING btree (account_id) WHERE held;

CREATE INDEX instances_host ON public.instances USING btree (host_id) WHERE (terminated_at IS NULL);

CREATE INDEX instances_host_pool ON public.instances USING btree (host_pool_id) WHERE (host_pool_id IS NOT NULL);

CREATE INDEX instances_image ON public.instances USING btree (image_id) WHERE (terminated_at IS NULL);

CREATE UNIQUE INDEX instances_name ON public.instances USING btree (account_id, name) WHERE (terminated_at IS NULL);

CREATE INDEX instances_terminated ON public.instances USING btree (terminated_at) WHERE (terminated_at IS NOT NULL);

CREATE INDEX instances_troubled ON public.instances USING btree (id) WHERE ((terminated_at IS NULL) AND ((conditions <> '[]'::jsonb) OR (notices <> '[]'::jsonb)));

CREATE INDEX interface_security_groups_group ON public.interface_security_groups USING btree (security_group_id);

CREATE INDEX interface_traffic_hours_account ON public.interface_traffic_hours USING btree (account_id, hour);

CREATE INDEX interface_traffic_hours_hour ON public.interface_traffic_hours USING btree (hour);

CREATE UNIQUE INDEX interfaces_address ON public.interfaces USING btree (subnet_id, address) WHERE (released_at IS NULL);

CREATE INDEX interfaces_detaching ON public.interfaces USING btree (instance_id) WHERE ((detached_at IS NOT NULL) AND (released_at IS NULL));

CREATE INDEX interfaces_instance ON public.interfaces USING btree (instance_id, device_index);

CREATE UNIQUE INDEX interfaces_mac ON public.interfaces USING btree (network_id, mac_address) WHERE (released_at IS NULL);

CREATE INDEX interfaces_network ON public.interfaces USING btree (network_id) WHERE (released_at IS NULL);

CREATE INDEX internet_gateways_account ON public.internet_gateways USING btree (account_id, id);

CREATE INDEX load_balancer_addresses_balancer ON public.load_balancer_addresses USING btree (load_balancer_id);

CREATE INDEX load_balancer_members_interface ON public.load_balancer_members USING btree (interface_id);

CREATE INDEX load_balancer_sights_host ON public.load_balancer_sights USING btree (host_id);

CREATE INDEX load_balancers_network ON public.load_balancers USING btree (network_id);

CREATE INDEX load_balancers_subnet6 ON public.load_balancers USING btree (subnet6_id) WHERE (subnet6_id IS NOT NULL);

CREATE INDEX lost_instances_host ON public.lost_instances USING btree (host_id) WHERE (host_id IS NOT NULL);

CREATE INDEX lost_volumes_account ON public.lost_volumes USING btree (account_id);

CREATE INDEX mails_account ON public.mails USING btree (account_id) WHERE (account_id IS NOT NULL);

CREATE INDEX mails_codes ON public.mails USING btree (address, created_at) WHERE (purpose = 'code'::text);

CREATE INDEX mails_contact ON public.mails USING btree (contact_id) WHERE (contact_id IS NOT NULL);

CREATE INDEX mails_created ON public.mails USING btree (created_at);

CREATE UNIQUE INDEX mails_under_way ON public.mails USING btree (contact_id) WHERE ((purpose = 'alerts'::text) AND (sent_at IS NULL) AND (failed_at IS NULL));

CREATE INDEX mails_waiting ON public.mails USING btree (next_try_at) WHERE ((sent_at IS NULL) AND (failed_at IS NULL));

CREATE UNIQUE INDEX memberships_account ON public.memberships USING btree (user_id, account_id) WHERE (account_id IS NOT NULL);

CREATE UNIQUE INDEX memberships_domain ON public.memberships USING btree (user_id, domain_id) WHERE (domain_id IS NOT NULL);

CREATE INDEX memberships_of_account ON public.memberships USING btree (account_id, user_id) WHERE (account_id IS NOT NULL);

CREATE INDEX memberships_of_domain ON public.memberships USING btree (domain_id, user_id) WHERE (domain_id IS NOT NULL);

CREATE INDEX memberships_role ON public.memberships USING btree (role_id);

CREATE INDEX network_gateways_network ON public.network_gateways USING btree (network_id);

CREATE UNIQUE INDEX network_gateways_source ON public.network_gateways USING btree (network_id) WHERE is_source;

CREATE INDEX network_peerings_account ON public.network_peerings USING btree (account_id);

CREATE INDEX network_peerings_network ON public.network_peerings USING btree (network_id) WHERE active;

CREATE UNIQUE INDEX network_peerings_pair ON public.network_peerings USING btree (LEAST(network_id, peer_network_id), GREATEST(network_id, peer_network_id));

CREATE INDEX network_peerings_peer ON public.network_peerings USING btree (peer_account_id);

CREATE INDEX network_peerings_peer_network ON public.network_peerings USING btree (peer_network_id) WHERE active;

CREATE UNIQUE INDEX networks_segment ON public.networks USING btree (segment_device, COALESCE(segment_vlan, 0)) WHERE (segment_device IS NOT NULL);

CREATE UNIQUE INDEX pools_default ON public.pools USING btree (is_default) WHERE is_default;

CREATE INDEX port_forwards_account ON public.port_forwards USING btree (account_id, id);

CREATE INDEX port_forwards_interface ON public.port_forwards USING btree (interface_id);

CREATE INDEX quota_requests_account ON public.quota_requests USING btree (account_id, id);

CREATE UNIQUE INDEX quota_requests_once ON public.quota_requests USING btree (account_id, resource) WHERE (state = 'pending'::text);

CREATE INDEX quota_requests_pending ON public.quota_requests USING btree (id) WHERE (state = 'pending'::text);

CREATE UNIQUE INDEX roles_name ON public.roles USING btree (COALESCE(account_id, domain_id, ''::text), name);

CREATE INDEX router_networks_network ON public.router_networks USING btree (network_id);

CREATE INDEX security_group_rules_group ON public.security_group_rules USING btree (security_group_id, id);

CREATE INDEX security_group_rules_peer ON public.security_group_rules USING btree (peer_group_id) WHERE (peer_group_id IS NOT NULL);

CREATE INDEX sign_in_codes_expiry ON public.sign_in_codes USING btree (expires_at);

CREATE INDEX sign_in_codes_user ON public.sign_in_codes USING btree (user_id);

CREATE INDEX snapshots_image_upload ON public.snapshots USING btree (image_upload_id) WHERE (image_upload_id IS NOT NULL);

CREATE UNIQUE INDEX snapshots_name ON public.snapshots USING btree (account_id, name);

CREATE UNIQUE INDEX snapshots_volume ON public.snapshots USING btree (volume_id, asked_generation);

CREATE INDEX statements_month ON public.statements USING btree (month, id);

CREATE INDEX store_hosts_host ON public.store_hosts USING btree (host_id);

CREATE UNIQUE INDEX store_hosts_root ON public.store_hosts USING btree (host_id) WHERE root;

CREATE INDEX stores_pool ON public.stores USING btree (pool_id);

CREATE INDEX subnet_addresses_interface ON public.subnet_addresses USING btree (interface_id) WHERE (interface_id IS NOT NULL);

CREATE INDEX subnet_addresses_rest ON public.subnet_addresses USING btree (released_at) WHERE (released_at IS NOT NULL);

CREATE INDEX subscriptions_due ON public.subscriptions USING btree (next_try_at) WHERE (state <> 'disabled'::text);

CREATE INDEX switch_ports_due ON public.switch_ports USING btree (next_look_at NULLS FIRST);

CREATE INDEX tariff_assignments_tariff ON public.tariff_assignments USING btree (tariff_id);

CREATE INDEX tariff_prices_tariff ON public.tariff_prices USING btree (tariff_id, meter, attribute, valid_from);

CREATE INDEX tokens_user ON public.tokens USING btree (user_id, id);

CREATE UNIQUE INDEX tokens_user_name ON public.tokens USING btree (user_id, name) WHERE (name IS NOT NULL);

CREATE INDEX usage_records_account ON ONLY public.usage_records USING btree (account_id, hour);

CREATE INDEX usage_records_follow ON ONLY public.usage_records USING btree (xid, number);

CREATE INDEX usage_spans_begun_xid ON public.usage_spans USING btree (begun_xid);

CREATE INDEX usage_spans_ended ON public.usage_spans USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX usage_spans_ended_xid ON public.usage_spans USING btree (ended_xid) WHERE (ended_xid IS NOT NULL);

CREATE UNIQUE INDEX usage_spans_open ON public.usage_spans USING btree (resource_id, meter) WHERE (ended_at IS NULL);

CREATE INDEX usage_spans_resource ON public.usage_spans USING btree (resource_id, number);

CREATE INDEX users_account ON public.users USING btree (account_id, id);

CREATE INDEX users_directory ON public.users USING btree (directory_id) WHERE (directory_id IS NOT NULL);

CREATE UNIQUE INDEX users_directory_subject ON public.users USING btree (directory_id, directory_subject) WHERE (directory_subject IS NOT NULL);

CREATE INDEX vlan_ranges_account ON public.vlan_ranges USING btree (account_id, id);

CREATE INDEX volumes_filling ON public.volumes USING btree (source_volume_id) WHERE ((source_volume_id IS NOT NULL) AND (made_gib IS NULL) AND (deleted_at IS NULL));

CREATE INDEX volumes_filling_backup ON public.volumes USING btree (source_backup_id) WHERE ((source_backup_id IS NOT NULL) AND (made_gib IS NULL) AND (deleted_at IS NULL));

CREATE INDEX volumes_host ON public.volumes USING btree (host_id) WHERE (deleted_at IS NULL);

CREATE INDEX volumes_image_upload ON public.volumes USING btree (image_upload_id) WHERE (image_upload_id IS NOT NULL);

CREATE INDEX volumes_leaving ON public.volumes USING btree (instance_id) WHERE (detached_at IS NOT NULL);

CREATE INDEX volumes_move_source ON public.volumes USING btree (move_source_id) WHERE (move_source_id IS NOT NULL);

CREATE UNIQUE INDEX volumes_moving ON public.volumes USING btree (moving_to) WHERE (moving_to IS NOT NULL);

CREATE UNIQUE INDEX volumes_name ON public.volumes USING btree (account_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX volumes_pool ON public.volumes USING btree (pool_id) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX volumes_slot ON public.volumes USING btree (instance_id, slot) WHERE (instance_id IS NOT NULL);

CREATE UNIQUE INDEX vpn_peers_name ON public.vpn_peers USING btree (vpn_id, ((number IS NULL)), name);

CREATE INDEX vpn_ranges_peer ON public.vpn_ranges USING btree (peer_id);

CREATE INDEX vpn_ranges_vpn ON public.vpn_ranges USING btree (vpn_id);

ALTER INDEX public.events_account ATTACH PARTITION public.events_rest_account_id_id_idx;

ALTER INDEX public.events_pkey ATTACH PARTITION public.events_rest_pkey;

ALTER INDEX public.events_resource ATTACH PARTITION public.events_rest_resource_id_id_idx;

ALTER INDEX public.events_follow ATTACH PARTITION public.events_rest_xid_id_idx;

CREATE TRIGGER count_changes AFTER UPDATE OF desired ON public.backups FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_changes AFTER UPDATE OF deleted_at ON public.images FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_changes AFTER UPDATE OF desired, terminated_at, vcpus, memory_mib ON public.instances FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_changes AFTER UPDATE OF desired, internal ON public.snapshots FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_changes AFTER UPDATE OF desired, deleted_at, size_gib, image_upload_id ON public.volumes FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.backups FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.floating_addresses FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.images FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.instances FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.key_pairs FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.load_balancers FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.networks FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.placement_groups FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.routers FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.security_group_rules FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.security_groups FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.snapshots FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.volumes FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON public.vpns FOR EACH ROW EXECUTE FUNCTION public.count_rows();

CREATE TRIGGER hold_addresses AFTER INSERT ON public.interfaces REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION public.hold_interface_addresses();

CREATE TRIGGER hold_addresses BEFORE INSERT ON public.load_balancers FOR EACH ROW EXECUTE FUNCTION public.hold_load_balancer_addresses();

CREATE TRIGGER meter_changes AFTER UPDATE ON public.backups FOR EACH ROW WHEN ((((old.desired IS DISTINCT FROM new.desired) OR (old.sha256 IS DISTINCT FROM new.sha256)) OR (old.stored_bytes IS DISTINCT FROM new.stored_bytes))) EXECUTE FUNCTION public.meter_row('backup');

CREATE TRIGGER meter_changes AFTER UPDATE ON public.images FOR EACH ROW WHEN ((((old.state IS DISTINCT FROM new.state) OR (old.deleted_at IS DISTINCT FROM new.deleted_at)) OR (old.size_bytes IS DISTINCT FROM new.size_bytes))) EXECUTE FUNCTION public.meter_row('image');

CREATE TRIGGER meter_changes AFTER UPDATE ON public.instances FOR EACH ROW WHEN ((((old.state IS DISTINCT FROM new.state) OR (old.desired IS DISTINCT FROM new.desired)) OR (old.flavor_name IS DISTINCT FROM new.flavor_name))) EXECUTE FUNCTION public.meter_row('instance');

CREATE TRIGGER meter_changes AFTER UPDATE ON public.snapshots FOR EACH ROW WHEN (((((old.desired IS DISTINCT FROM new.desired) OR (old.internal IS DISTINCT FROM new.internal)) OR (old.taken_at IS DISTINCT FROM new.taken_at)) OR (old.used_bytes IS DISTINCT FROM new.used_bytes))) EXECUTE FUNCTION public.meter_row('snapshot');

CREATE TRIGGER meter_changes AFTER UPDATE ON public.volumes FOR EACH ROW WHEN (((((((old.desired IS DISTINCT FROM new.desired) OR (old.deleted_at IS DISTINCT FROM new.deleted_at)) OR (old.size_gib IS DISTINCT FROM new.size_gib)) OR (old.type_id IS DISTINCT FROM new.type_id)) OR (old.image_upload_id IS DISTINCT FROM new.image_upload_id)) OR (old.move_source_id IS DISTINCT FROM new.move_source_id))) EXECUTE FUNCTION public.meter_row('volume');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.backups FOR EACH ROW EXECUTE FUNCTION public.meter_row('backup');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.floating_addresses FOR EACH ROW EXECUTE FUNCTION public.meter_row('floating-address');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.images FOR EACH ROW EXECUTE FUNCTION public.meter_row('image');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.instances FOR EACH ROW EXECUTE FUNCTION public.meter_row('instance');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.load_balancers FOR EACH ROW EXECUTE FUNCTION public.meter_row('load-balancer');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.networks FOR EACH ROW EXECUTE FUNCTION public.meter_row('network');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.routers FOR EACH ROW EXECUTE FUNCTION public.meter_row('router');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.snapshots FOR EACH ROW EXECUTE FUNCTION public.meter_row('snapshot');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.volumes FOR EACH ROW EXECUTE FUNCTION public.meter_row('volume');

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON public.vpns FOR EACH ROW EXECUTE FUNCTION public.meter_row('vpn');

CREATE TRIGGER rest_address BEFORE DELETE ON public.floating_addresses FOR EACH ROW EXECUTE FUNCTION public.rest_floating_address();

CREATE TRIGGER rest_addresses AFTER UPDATE ON public.interfaces REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.rest_interface_addresses();

CREATE TRIGGER rest_addresses AFTER DELETE ON public.load_balancers FOR EACH ROW EXECUTE FUNCTION public.rest_load_balancer_addresses();

CREATE TRIGGER users_are_members AFTER INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.users_are_members();

ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT access_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.access_keys
    ADD CONSTRAINT access_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES public.domains(id);

ALTER TABLE ONLY public.address_pool_accounts
    ADD CONSTRAINT address_pool_accounts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.address_pool_accounts
    ADD CONSTRAINT address_pool_accounts_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES public.address_pools(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.address_pool_ranges
    ADD CONSTRAINT address_pool_ranges_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES public.address_pools(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.address_pools
    ADD CONSTRAINT address_pools_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.address_reservations
    ADD CONSTRAINT address_reservations_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.address_reservations
    ADD CONSTRAINT address_reservations_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES public.address_pools(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_tellings
    ADD CONSTRAINT alert_tellings_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alerts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_tellings
    ADD CONSTRAINT alert_tellings_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES public.contacts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.backup_place_hosts
    ADD CONSTRAINT backup_place_hosts_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.backup_place_hosts
    ADD CONSTRAINT backup_place_hosts_place_id_fkey FOREIGN KEY (place_id) REFERENCES public.backup_places(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.backup_places
    ADD CONSTRAINT backup_places_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.backup_stores(id);

ALTER TABLE ONLY public.backup_schedules
    ADD CONSTRAINT backup_schedules_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.backup_schedules
    ADD CONSTRAINT backup_schedules_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.backup_stores(id);

ALTER TABLE ONLY public.backup_schedules
    ADD CONSTRAINT backup_schedules_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.backups(id);

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_place_id_fkey FOREIGN KEY (place_id) REFERENCES public.backup_places(id);

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES public.backup_schedules(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.console_sessions
    ADD CONSTRAINT console_sessions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.console_sessions
    ADD CONSTRAINT console_sessions_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instances(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.directories
    ADD CONSTRAINT directories_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.directories
    ADD CONSTRAINT directories_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES public.domains(id);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES public.domains(id);

ALTER TABLE ONLY public.flavors
    ADD CONSTRAINT flavors_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.floating_addresses
    ADD CONSTRAINT floating_addresses_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.floating_addresses
    ADD CONSTRAINT floating_addresses_interface_id_fkey FOREIGN KEY (interface_id) REFERENCES public.interfaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.floating_ranges
    ADD CONSTRAINT floating_ranges_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.former_placements
    ADD CONSTRAINT former_placements_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.former_placements
    ADD CONSTRAINT former_placements_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.former_placements
    ADD CONSTRAINT former_placements_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instances(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.host_images
    ADD CONSTRAINT host_images_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.host_pool_accounts
    ADD CONSTRAINT host_pool_accounts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.host_pool_accounts
    ADD CONSTRAINT host_pool_accounts_host_pool_id_fkey FOREIGN KEY (host_pool_id) REFERENCES public.host_pools(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.host_power
    ADD CONSTRAINT host_power_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.host_power
    ADD CONSTRAINT host_power_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_host_pool_id_fkey FOREIGN KEY (host_pool_id) REFERENCES public.host_pools(id);

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES public.zones(id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.image_accounts
    ADD CONSTRAINT image_accounts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.image_accounts
    ADD CONSTRAINT image_accounts_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.image_prefetches
    ADD CONSTRAINT image_prefetches_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.image_prefetches
    ADD CONSTRAINT image_prefetches_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.image_prefetches
    ADD CONSTRAINT image_prefetches_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES public.zones(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_cd_image_id_fkey FOREIGN KEY (cd_image_id) REFERENCES public.images(id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_host_pool_id_fkey FOREIGN KEY (host_pool_id) REFERENCES public.host_pools(id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_placement_group FOREIGN KEY (account_id, placement_group_id, placement_policy) REFERENCES public.placement_groups(account_id, id, policy);

ALTER TABLE ONLY public.instances
    ADD CONSTRAINT instances_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES public.zones(id);

ALTER TABLE ONLY public.interface_security_groups
    ADD CONSTRAINT interface_security_groups_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.interface_security_groups
    ADD CONSTRAINT interface_security_groups_interface_id_fkey FOREIGN KEY (interface_id) REFERENCES public.interfaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.interface_security_groups
    ADD CONSTRAINT interface_security_groups_security_group_id_fkey FOREIGN KEY (security_group_id) REFERENCES public.security_groups(id);

ALTER TABLE ONLY public.interface_traffic_hours
    ADD CONSTRAINT interface_traffic_hours_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.interface_traffic
    ADD CONSTRAINT interface_traffic_interface_id_fkey FOREIGN KEY (interface_id) REFERENCES public.interfaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.interfaces
    ADD CONSTRAINT interfaces_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.interfaces
    ADD CONSTRAINT interfaces_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instances(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.interfaces
    ADD CONSTRAINT interfaces_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id);

ALTER TABLE ONLY public.interfaces
    ADD CONSTRAINT interfaces_subnet6_id_fkey FOREIGN KEY (subnet6_id) REFERENCES public.subnets(id);

ALTER TABLE ONLY public.interfaces
    ADD CONSTRAINT interfaces_subnet_id_fkey FOREIGN KEY (subnet_id) REFERENCES public.subnets(id);

ALTER TABLE ONLY public.internet_gateways
    ADD CONSTRAINT internet_gateways_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.internet_gateways
    ADD CONSTRAINT internet_gateways_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_host_pool_id_fkey FOREIGN KEY (host_pool_id) REFERENCES public.host_pools(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.join_tokens
    ADD CONSTRAINT join_tokens_zone_id_fkey FOREIGN KEY (zone_id) REFERENCES public.zones(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.key_pairs
    ADD CONSTRAINT key_pairs_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.load_balancer_addresses
    ADD CONSTRAINT load_balancer_addresses_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.load_balancer_addresses
    ADD CONSTRAINT load_balancer_addresses_address_fkey FOREIGN KEY (address) REFERENCES public.network_gateways(address);

ALTER TABLE ONLY public.load_balancer_addresses
    ADD CONSTRAINT load_balancer_addresses_load_balancer_id_fkey FOREIGN KEY (load_balancer_id) REFERENCES public.load_balancers(id);

ALTER TABLE ONLY public.load_balancer_listeners
    ADD CONSTRAINT load_balancer_listeners_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.load_balancer_listeners
    ADD CONSTRAINT load_balancer_listeners_load_balancer_id_fkey FOREIGN KEY (load_balancer_id) REFERENCES public.load_balancers(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.load_balancer_members
    ADD CONSTRAINT load_balancer_members_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.load_balancer_members
    ADD CONSTRAINT load_balancer_members_interface_id_fkey FOREIGN KEY (interface_id) REFERENCES public.interfaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.load_balancer_members
    ADD CONSTRAINT load_balancer_members_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES public.load_balancer_listeners(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.load_balancer_sights
    ADD CONSTRAINT load_balancer_sights_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.load_balancer_sights
    ADD CONSTRAINT load_balancer_sights_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.load_balancer_sights
    ADD CONSTRAINT load_balancer_sights_listener_id_fkey FOREIGN KEY (listener_id) REFERENCES public.load_balancer_listeners(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_subnet6_id_address6_fkey FOREIGN KEY (subnet6_id, address6) REFERENCES public.subnet_addresses(subnet_id, address);

ALTER TABLE ONLY public.load_balancers
    ADD CONSTRAINT load_balancers_subnet_id_address_fkey FOREIGN KEY (subnet_id, address) REFERENCES public.subnet_addresses(subnet_id, address);

ALTER TABLE ONLY public.lost_instances
    ADD CONSTRAINT lost_instances_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.lost_volumes
    ADD CONSTRAINT lost_volumes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mails
    ADD CONSTRAINT mails_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES public.contacts(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES public.domains(id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_role_id_fkey FOREIGN KEY (role_id) REFERENCES public.roles(id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.network_gateways
    ADD CONSTRAINT network_gateways_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.network_gateways
    ADD CONSTRAINT network_gateways_address_fkey FOREIGN KEY (address) REFERENCES public.floating_addresses(address) ON DELETE CASCADE;

ALTER TABLE ONLY public.network_gateways
    ADD CONSTRAINT network_gateways_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.network_gateways
    ADD CONSTRAINT network_gateways_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.network_peerings
    ADD CONSTRAINT network_peerings_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.network_peerings
    ADD CONSTRAINT network_peerings_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.network_peerings
    ADD CONSTRAINT network_peerings_peer_account_id_fkey FOREIGN KEY (peer_account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.network_peerings
    ADD CONSTRAINT network_peerings_peer_network_id_fkey FOREIGN KEY (peer_network_id) REFERENCES public.networks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.network_routes
    ADD CONSTRAINT network_routes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.network_routes
    ADD CONSTRAINT network_routes_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.networks
    ADD CONSTRAINT networks_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.placement_groups
    ADD CONSTRAINT placement_groups_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.pool_accounts
    ADD CONSTRAINT pool_accounts_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.pool_accounts
    ADD CONSTRAINT pool_accounts_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES public.pools(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.pools
    ADD CONSTRAINT pools_drain_pool_id_fkey FOREIGN KEY (drain_pool_id) REFERENCES public.pools(id);

ALTER TABLE ONLY public.port_forwards
    ADD CONSTRAINT port_forwards_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.port_forwards
    ADD CONSTRAINT port_forwards_address_fkey FOREIGN KEY (address) REFERENCES public.network_gateways(address) ON DELETE CASCADE;

ALTER TABLE ONLY public.port_forwards
    ADD CONSTRAINT port_forwards_interface_id_fkey FOREIGN KEY (interface_id) REFERENCES public.interfaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.quota_requests
    ADD CONSTRAINT quota_requests_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.roles
    ADD CONSTRAINT roles_domain_id_fkey FOREIGN KEY (domain_id) REFERENCES public.domains(id);

ALTER TABLE ONLY public.router_networks
    ADD CONSTRAINT router_networks_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.router_networks
    ADD CONSTRAINT router_networks_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.router_networks
    ADD CONSTRAINT router_networks_router_id_fkey FOREIGN KEY (router_id) REFERENCES public.routers(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.routers
    ADD CONSTRAINT routers_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.security_group_rules
    ADD CONSTRAINT security_group_rules_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.security_group_rules
    ADD CONSTRAINT security_group_rules_peer_group_id_fkey FOREIGN KEY (peer_group_id) REFERENCES public.security_groups(id);

ALTER TABLE ONLY public.security_group_rules
    ADD CONSTRAINT security_group_rules_security_group_id_fkey FOREIGN KEY (security_group_id) REFERENCES public.security_groups(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.security_groups
    ADD CONSTRAINT security_groups_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.sign_in_codes
    ADD CONSTRAINT sign_in_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.snapshots
    ADD CONSTRAINT snapshots_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES public.volumes(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.store_hosts
    ADD CONSTRAINT store_hosts_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.store_hosts
    ADD CONSTRAINT store_hosts_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.stores(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.stores
    ADD CONSTRAINT stores_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES public.pools(id);

ALTER TABLE ONLY public.stray_volumes
    ADD CONSTRAINT stray_volumes_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.stray_volumes
    ADD CONSTRAINT stray_volumes_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.stores(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnet_addresses
    ADD CONSTRAINT subnet_addresses_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.subnet_addresses
    ADD CONSTRAINT subnet_addresses_interface_id_fkey FOREIGN KEY (interface_id) REFERENCES public.interfaces(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnet_addresses
    ADD CONSTRAINT subnet_addresses_subnet_id_fkey FOREIGN KEY (subnet_id) REFERENCES public.subnets(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnet_exclusions
    ADD CONSTRAINT subnet_exclusions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.subnet_exclusions
    ADD CONSTRAINT subnet_exclusions_subnet_id_fkey FOREIGN KEY (subnet_id) REFERENCES public.subnets(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.subnets
    ADD CONSTRAINT subnets_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.subnets
    ADD CONSTRAINT subnets_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id);

ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.switch_ports
    ADD CONSTRAINT switch_ports_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.switch_ports
    ADD CONSTRAINT switch_ports_switch_id_fkey FOREIGN KEY (switch_id) REFERENCES public.switches(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.switches
    ADD CONSTRAINT switches_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.tariff_assignments
    ADD CONSTRAINT tariff_assignments_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES public.tariffs(id);

ALTER TABLE ONLY public.tariff_prices
    ADD CONSTRAINT tariff_prices_tariff_id_fkey FOREIGN KEY (tariff_id) REFERENCES public.tariffs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_only_account_id_fkey FOREIGN KEY (only_account_id) REFERENCES public.accounts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_directory_id_fkey FOREIGN KEY (directory_id) REFERENCES public.directories(id);

ALTER TABLE ONLY public.vlan_ranges
    ADD CONSTRAINT vlan_ranges_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_host_id_fkey FOREIGN KEY (host_id) REFERENCES public.hosts(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_instance_id_fkey FOREIGN KEY (instance_id) REFERENCES public.instances(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_pool_id_fkey FOREIGN KEY (pool_id) REFERENCES public.pools(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_store_id_fkey FOREIGN KEY (store_id) REFERENCES public.stores(id);

ALTER TABLE ONLY public.volumes
    ADD CONSTRAINT volumes_type_id_fkey FOREIGN KEY (type_id) REFERENCES public.volume_types(id);

ALTER TABLE ONLY public.vpn_peers
    ADD CONSTRAINT vpn_peers_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.vpn_peers
    ADD CONSTRAINT vpn_peers_vpn_id_fkey FOREIGN KEY (vpn_id) REFERENCES public.vpns(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.vpn_ranges
    ADD CONSTRAINT vpn_ranges_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.vpn_ranges
    ADD CONSTRAINT vpn_ranges_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id);

ALTER TABLE ONLY public.vpn_ranges
    ADD CONSTRAINT vpn_ranges_peer_id_fkey FOREIGN KEY (peer_id) REFERENCES public.vpn_peers(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.vpn_ranges
    ADD CONSTRAINT vpn_ranges_vpn_id_fkey FOREIGN KEY (vpn_id) REFERENCES public.vpns(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_address_fkey FOREIGN KEY (address) REFERENCES public.network_gateways(address);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_network_id_fkey FOREIGN KEY (network_id) REFERENCES public.networks(id);

ALTER TABLE ONLY public.vpns
    ADD CONSTRAINT vpns_reported_by_fkey FOREIGN KEY (reported_by) REFERENCES public.hosts(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.zones
    ADD CONSTRAINT zones_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);
