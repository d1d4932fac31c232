-- The watch looks at these every few seconds, and there are few among many.
CREATE INDEX instances_troubled ON instances (id) WHERE terminated_at IS NULL AND (conditions <> '[]' OR notices <> '[]');
