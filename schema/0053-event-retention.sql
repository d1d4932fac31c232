-- How many months of the log are kept; null: for ever. One row. Writers: whoever may change the cloud's log (events:write on the root domain).
CREATE TABLE event_retention (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    months integer CHECK (months BETWEEN 1 AND 1200)
);
-- A cloud that is there already was promised that nothing goes by itself.
INSERT INTO event_retention (months) SELECT CASE WHEN EXISTS (SELECT 1 FROM accounts) THEN NULL ELSE 24 END;
