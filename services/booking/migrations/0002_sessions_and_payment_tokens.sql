-- The session of a hold; none where the concert has no line. The session of a seat that is booked is
-- its booking's.
ALTER TABLE seats ADD COLUMN entry_number BIGINT;

-- Sessions that are over and held something. Each is written in the transaction that frees its holds;
-- nothing is held, booked or paid in it afterwards.
CREATE TABLE ended_sessions (
    concert_id   TEXT   NOT NULL,
    entry_number BIGINT NOT NULL,
    ended_ms     BIGINT NOT NULL,
    CONSTRAINT ended_sessions_pk PRIMARY KEY (concert_id, entry_number)
);

CREATE INDEX ended_sessions_by_time ON ended_sessions (ended_ms);

-- The payment token is kept only until the outcome is known; its fingerprint tells a repeat from
-- another payment token. Rows that an earlier version wrote have none.
ALTER TABLE payments ADD COLUMN fingerprint TEXT;

UPDATE payments SET payment_token = '' WHERE state <> 'ASKED';

-- For operators' lists.
CREATE INDEX bookings_by_concert ON bookings (concert_id, booking_id);
