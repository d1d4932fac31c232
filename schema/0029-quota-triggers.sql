-- Each counted table on its own would be a file more; they are small things, made at once or not at all.
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON snapshots FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_changes AFTER UPDATE OF desired, internal ON snapshots FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON backups FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_changes AFTER UPDATE OF desired ON backups FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON images FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_changes AFTER UPDATE OF deleted_at ON images FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON floating_addresses FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON networks FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON routers FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON security_groups FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON security_group_rules FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON load_balancers FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON vpns FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON key_pairs FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON placement_groups FOR EACH ROW EXECUTE FUNCTION count_rows();
