-- Labels that hosts must have to run instances of the flavor. Writers: operators.
ALTER TABLE flavors ADD COLUMN required_labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(required_labels) = 'object');
