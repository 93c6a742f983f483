-- When what is left of a concert is to be told to its line again.
CREATE TABLE stock_reports (
    concert_id TEXT   NOT NULL CONSTRAINT stock_reports_pk PRIMARY KEY,
    due_ms     BIGINT NOT NULL
);
