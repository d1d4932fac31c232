-- From here on what is in use is noted, from now for what there is already. The triggers come first: nothing is made between the two.

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON snapshots FOR EACH ROW EXECUTE FUNCTION meter_row('snapshot');
CREATE TRIGGER meter_changes AFTER UPDATE ON snapshots FOR EACH ROW WHEN ((OLD.desired, OLD.internal, OLD.taken_at, OLD.used_bytes) IS DISTINCT FROM (NEW.desired, NEW.internal, NEW.taken_at, NEW.used_bytes)) EXECUTE FUNCTION meter_row('snapshot');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'snapshot', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM snapshots t, metered(t) m;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON backups FOR EACH ROW EXECUTE FUNCTION meter_row('backup');
CREATE TRIGGER meter_changes AFTER UPDATE ON backups FOR EACH ROW WHEN ((OLD.desired, OLD.sha256, OLD.stored_bytes) IS DISTINCT FROM (NEW.desired, NEW.sha256, NEW.stored_bytes)) EXECUTE FUNCTION meter_row('backup');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'backup', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM backups t, metered(t) m;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON images FOR EACH ROW EXECUTE FUNCTION meter_row('image');
CREATE TRIGGER meter_changes AFTER UPDATE ON images FOR EACH ROW WHEN ((OLD.state, OLD.deleted_at, OLD.size_bytes) IS DISTINCT FROM (NEW.state, NEW.deleted_at, NEW.size_bytes)) EXECUTE FUNCTION meter_row('image');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'image', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM images t, metered(t) m WHERE t.deleted_at IS NULL;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON floating_addresses FOR EACH ROW EXECUTE FUNCTION meter_row('floating-address');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'floating-address', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM floating_addresses t, metered(t) m;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON networks FOR EACH ROW EXECUTE FUNCTION meter_row('network');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'network', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM networks t, metered(t) m;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON routers FOR EACH ROW EXECUTE FUNCTION meter_row('router');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'router', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM routers t, metered(t) m;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON load_balancers FOR EACH ROW EXECUTE FUNCTION meter_row('load-balancer');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'load-balancer', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM load_balancers t, metered(t) m;

CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON vpns FOR EACH ROW EXECUTE FUNCTION meter_row('vpn');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'vpn', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM vpns t, metered(t) m;
