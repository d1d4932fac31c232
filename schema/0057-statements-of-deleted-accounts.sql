-- Accounts that were deleted: what they used until then is billed at the end of their last month, and their statements stay with those who administered them. Writer: whoever deletes an account; nothing changes a row.
CREATE TABLE deleted_accounts (
    id         text COLLATE "C" PRIMARY KEY,
    name       text NOT NULL,
    domain_id  text COLLATE "C" NOT NULL,
    -- As it was then, since a domain may be deleted, too.
    lineage    text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz NOT NULL
);

-- Of those that were deleted before, only the ones that have statements are known.
INSERT INTO deleted_accounts (id, name, domain_id, lineage, created_at, deleted_at)
SELECT DISTINCT ON (s.account_id) s.account_id, s.account_name, 'dom-00000000000000000', 'dom-00000000000000000.', s.month, s.issued_at
FROM statements s WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = s.account_id) ORDER BY s.account_id, s.month DESC;

-- Everybody who owes or owed something.
CREATE VIEW billed_accounts AS
SELECT a.id, a.name, d.lineage, a.created_at, NULL::timestamptz AS deleted_at FROM accounts a JOIN domains d ON d.id = a.domain_id
UNION ALL
SELECT x.id, x.name, coalesce(d.lineage, x.lineage), x.created_at, x.deleted_at FROM deleted_accounts x LEFT JOIN domains d ON d.id = x.domain_id;

CREATE INDEX statements_month ON statements (month, id);

UPDATE roles SET permissions = permissions || ARRAY['issued-statements:read'] WHERE num_nonnulls(account_id, domain_id) = 0 AND name = 'billing';
