-- Busy tables, one file each.
CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON instances FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_changes AFTER UPDATE OF desired, terminated_at, vcpus, memory_mib ON instances FOR EACH ROW EXECUTE FUNCTION count_rows();
