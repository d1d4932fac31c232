-- What use costs, and what accounts are told each month that they owe.

-- Months are those of its time zone. Amounts are rounded line by line, the tax once. Writers: administrators of the cloud.
CREATE TABLE tariffs (
    id           text COLLATE "C" PRIMARY KEY,
    name         text NOT NULL UNIQUE,
    description  text NOT NULL DEFAULT '',
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    time_zone    text NOT NULL,
    tax_percent  numeric(6, 3) NOT NULL CHECK (tax_percent BETWEEN 0 AND 100),
    rounding     text NOT NULL CHECK (rounding IN ('half-up', 'down')),
    -- The last month of which statements were issued.
    issued_month date CHECK (extract(day FROM issued_month) = 1),
    created_at   timestamptz NOT NULL
);

-- The price of a unit: an hour, a GiB for an hour, a GiB. An empty attribute is for all that have no price of their own. Of one thing no two hold at a time.
CREATE TABLE tariff_prices (
    id          text COLLATE "C" PRIMARY KEY,
    tariff_id   text COLLATE "C" NOT NULL REFERENCES tariffs ON DELETE CASCADE,
    meter       text COLLATE "C" NOT NULL,
    attribute   text NOT NULL,
    price       numeric(20, 8) NOT NULL CHECK (price >= 0),
    -- So much of each month costs nothing.
    included    numeric(20, 3) NOT NULL CHECK (included >= 0),
    valid_from  timestamptz NOT NULL CHECK (valid_from = date_trunc('hour', valid_from, 'UTC')),
    valid_until timestamptz CHECK (valid_until >= valid_from AND valid_until = date_trunc('hour', valid_until, 'UTC'))
);
CREATE INDEX tariff_prices_tariff ON tariff_prices (tariff_id, meter, attribute, valid_from);

-- From a month on; the nearest of account, its domain and those above, all ('') holds. Null: none.
CREATE TABLE tariff_assignments (
    scope_id  text COLLATE "C" NOT NULL,
    month     date NOT NULL CHECK (extract(day FROM month) = 1),
    tariff_id text COLLATE "C" REFERENCES tariffs,
    PRIMARY KEY (scope_id, month)
);
CREATE INDEX tariff_assignments_tariff ON tariff_assignments (tariff_id);

CREATE FUNCTION tariff_of(account text, lineage text, of_month date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT a.tariff_id FROM tariff_assignments a WHERE a.month <= of_month AND a.scope_id = ANY(account || string_to_array(lineage, '.'))
    -- The account's own, then the deeper domain first; that of all has the empty scope, which is what follows a lineage's last dot.
    ORDER BY a.scope_id = account DESC, a.scope_id <> '' DESC, strpos(lineage, a.scope_id) DESC, a.month DESC LIMIT 1 $$;

-- What was issued stays as it was, whatever is computed later.
CREATE TABLE statements (
    id           text COLLATE "C" PRIMARY KEY,
    account_id   text COLLATE "C" NOT NULL,
    account_name text NOT NULL,
    month        date NOT NULL CHECK (extract(day FROM month) = 1),
    issued_at    timestamptz NOT NULL,
    body         jsonb NOT NULL,
    UNIQUE (account_id, month)
);

-- Prices are for who pays.
UPDATE roles SET permissions = permissions || ARRAY['tariffs:read'] WHERE num_nonnulls(account_id, domain_id) = 0 AND name = 'billing';
