-- Busy tables, one file each.
CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON instances FOR EACH ROW EXECUTE FUNCTION meter_row('instance');
CREATE TRIGGER meter_changes AFTER UPDATE ON instances FOR EACH ROW WHEN ((OLD.state, OLD.desired, OLD.flavor_name) IS DISTINCT FROM (NEW.state, NEW.desired, NEW.flavor_name)) EXECUTE FUNCTION meter_row('instance');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'instance', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM instances t, metered(t) m WHERE t.terminated_at IS NULL;
