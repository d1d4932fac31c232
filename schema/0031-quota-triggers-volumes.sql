CREATE TRIGGER count_rows AFTER INSERT OR DELETE ON volumes FOR EACH ROW EXECUTE FUNCTION count_rows();
CREATE TRIGGER count_changes AFTER UPDATE OF desired, deleted_at, size_gib, image_upload_id ON volumes FOR EACH ROW EXECUTE FUNCTION count_rows();
