CREATE TABLE concerts (
    concert_id TEXT    NOT NULL CONSTRAINT concerts_pk PRIMARY KEY,
    version    BIGINT  NOT NULL CONSTRAINT concerts_version_positive CHECK (version > 0),
    closed     BOOLEAN NOT NULL,
    -- A deleted concert keeps its row, so that its version goes on growing.
    deleted    BOOLEAN NOT NULL,
    policy     TEXT    NOT NULL
);

-- One row before every admin act, whether or not it then succeeds.
CREATE TABLE audit (
    -- Milliseconds since the epoch in 13 digits, a dash, a UUID: in the order of time.
    audit_id   TEXT   NOT NULL CONSTRAINT audit_pk PRIMARY KEY,
    at_ms      BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    act        TEXT   NOT NULL,
    concert_id TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    request_id TEXT   NOT NULL
);

CREATE INDEX audit_by_concert ON audit (concert_id, audit_id);
