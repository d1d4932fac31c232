-- What came with tags and internet gateways, for the built-in roles that have all that accounts have.
UPDATE roles SET permissions = permissions || CASE name WHEN 'reader' THEN ARRAY['internet-gateways:read', 'tags:read'] ELSE ARRAY['internet-gateways:*', 'tags:*'] END
WHERE num_nonnulls(account_id, domain_id) = 0 AND name IN ('member', 'reader');
