CREATE TRIGGER meter_rows AFTER INSERT OR DELETE ON volumes FOR EACH ROW EXECUTE FUNCTION meter_row('volume');
CREATE TRIGGER meter_changes AFTER UPDATE ON volumes FOR EACH ROW
    WHEN ((OLD.desired, OLD.deleted_at, OLD.size_gib, OLD.type_id, OLD.image_upload_id, OLD.move_source_id) IS DISTINCT FROM (NEW.desired, NEW.deleted_at, NEW.size_gib, NEW.type_id, NEW.image_upload_id, NEW.move_source_id)) EXECUTE FUNCTION meter_row('volume');
INSERT INTO usage_spans (account_id, resource_type, resource_id, resource_name, meter, attribute, quantity, begun_at)
SELECT t.account_id, 'volume', t.id, m.name, m.meter, m.attribute, m.quantity, clock_timestamp() FROM volumes t, metered(t) m WHERE t.deleted_at IS NULL;
