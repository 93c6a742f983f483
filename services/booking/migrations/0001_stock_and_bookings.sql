-- What is for sale of a concert. Title and times are the registry's.
CREATE TABLE stock (
    concert_id       TEXT   NOT NULL CONSTRAINT stock_pk PRIMARY KEY,
    per_member_limit BIGINT NOT NULL CONSTRAINT stock_limit_positive CHECK (per_member_limit > 0),
    plan             TEXT   NOT NULL
);

-- Free: no holder, or held_until_ms has passed. Held: held_until_ms is to come. Sold: a holder and
-- no held_until_ms. What has passed may stay written here.
CREATE TABLE seats (
    seat_id       TEXT   NOT NULL CONSTRAINT seats_pk PRIMARY KEY,
    concert_id    TEXT   NOT NULL CONSTRAINT seats_of_stock REFERENCES stock (concert_id),
    section       TEXT   NOT NULL,
    seat_row      BIGINT NOT NULL,
    seat_number   BIGINT NOT NULL,
    price         BIGINT NOT NULL CONSTRAINT seats_price CHECK (price >= 0),
    holder        TEXT,
    held_until_ms BIGINT,
    booking_id    TEXT,
    CONSTRAINT seats_held_by_somebody
        CHECK (holder IS NOT NULL OR (held_until_ms IS NULL AND booking_id IS NULL)),
    CONSTRAINT seats_sold_by_a_booking
        CHECK (holder IS NULL OR held_until_ms IS NOT NULL OR booking_id IS NOT NULL)
);

CREATE INDEX seats_by_concert ON seats (concert_id, holder);
CREATE INDEX seats_by_booking ON seats (booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX seats_by_end ON seats (held_until_ms) WHERE held_until_ms IS NOT NULL;

-- Tickets are counted: what is left is the quantity less what is sold and less what live bookings
-- have that are not confirmed.
CREATE TABLE tickets (
    concert_id TEXT   NOT NULL CONSTRAINT tickets_of_stock REFERENCES stock (concert_id),
    ticket_id  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    price      BIGINT NOT NULL CONSTRAINT tickets_price CHECK (price >= 0),
    quantity   BIGINT NOT NULL CONSTRAINT tickets_quantity CHECK (quantity >= 0),
    -- In confirmed bookings.
    sold       BIGINT NOT NULL CONSTRAINT tickets_sold CHECK (sold >= 0 AND sold <= quantity),
    CONSTRAINT tickets_pk PRIMARY KEY (concert_id, ticket_id)
);

-- Locked first by every verb of a member, so that the limit is counted by one at a time.
CREATE TABLE buyers (
    concert_id TEXT NOT NULL,
    member_id  TEXT NOT NULL,
    CONSTRAINT buyers_pk PRIMARY KEY (concert_id, member_id)
);

-- Live: CONFIRMED, or PENDING or PAYING with expires_at_ms to come.
CREATE TABLE bookings (
    booking_id      TEXT   NOT NULL CONSTRAINT bookings_pk PRIMARY KEY,
    concert_id      TEXT   NOT NULL,
    member_id       TEXT   NOT NULL,
    entry_number    BIGINT,
    state           TEXT   NOT NULL CONSTRAINT bookings_state
        CHECK (state IN ('PENDING', 'PAYING', 'CONFIRMED', 'CANCELLED')),
    amount          BIGINT NOT NULL CONSTRAINT bookings_amount CHECK (amount >= 0),
    -- When its holds ended as they were made; a payment in flight moves only expires_at_ms.
    due_ms          BIGINT NOT NULL,
    expires_at_ms   BIGINT NOT NULL,
    idempotency_key TEXT,
    -- What was asked for, to tell a repeat from another request with the same key.
    request         TEXT   NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    confirmed_at_ms BIGINT,
    cancelled_at_ms BIGINT,
    CONSTRAINT bookings_key UNIQUE (member_id, idempotency_key)
);

CREATE INDEX bookings_by_member ON bookings (member_id, booking_id);
CREATE INDEX bookings_by_end ON bookings (concert_id, expires_at_ms)
    WHERE state IN ('PENDING', 'PAYING');
-- What came free by time, of every concert.
CREATE INDEX bookings_by_expiry ON bookings (expires_at_ms) WHERE state IN ('PENDING', 'PAYING');
CREATE INDEX bookings_confirmed ON bookings (concert_id) WHERE state = 'CONFIRMED';

-- What a booking is made of, as it was when it was made.
CREATE TABLE booking_seats (
    booking_id  TEXT   NOT NULL CONSTRAINT booking_seats_of_booking REFERENCES bookings (booking_id),
    seat_id     TEXT   NOT NULL,
    section     TEXT   NOT NULL,
    seat_row    BIGINT NOT NULL,
    seat_number BIGINT NOT NULL,
    price       BIGINT NOT NULL,
    CONSTRAINT booking_seats_pk PRIMARY KEY (booking_id, seat_id)
);

CREATE TABLE booking_tickets (
    booking_id TEXT   NOT NULL CONSTRAINT booking_tickets_of_booking REFERENCES bookings (booking_id),
    ticket_id  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    quantity   BIGINT NOT NULL CONSTRAINT booking_tickets_quantity CHECK (quantity > 0),
    price      BIGINT NOT NULL,
    CONSTRAINT booking_tickets_pk PRIMARY KEY (booking_id, ticket_id)
);

-- One row an attempt to pay; its charge's key is <booking_id>-<attempt>.
CREATE TABLE payments (
    booking_id      TEXT   NOT NULL CONSTRAINT payments_of_booking REFERENCES bookings (booking_id),
    attempt         BIGINT NOT NULL,
    idempotency_key TEXT,
    payment_token   TEXT   NOT NULL,
    amount          BIGINT NOT NULL,
    state           TEXT   NOT NULL CONSTRAINT payments_state
        CHECK (state IN ('ASKED', 'PAID', 'DECLINED', 'REFUND_DUE', 'REFUNDED')),
    payment_id      TEXT,
    -- While ASKED: when somebody may ask again.
    due_ms          BIGINT NOT NULL,
    CONSTRAINT payments_pk PRIMARY KEY (booking_id, attempt),
    CONSTRAINT payments_key UNIQUE (booking_id, idempotency_key),
    CONSTRAINT payments_made CHECK (state IN ('ASKED', 'DECLINED') OR payment_id IS NOT NULL)
);

CREATE UNIQUE INDEX payments_one_in_flight ON payments (booking_id) WHERE state = 'ASKED';
CREATE UNIQUE INDEX payments_one_paid ON payments (booking_id) WHERE state = 'PAID';
CREATE INDEX payments_by_due ON payments (due_ms) WHERE state = 'ASKED';

-- What is to be done outside, written with what it is done for.
CREATE TABLE tasks (
    task_id       TEXT   NOT NULL CONSTRAINT tasks_pk PRIMARY KEY,
    kind          TEXT   NOT NULL CONSTRAINT tasks_kind CHECK (kind IN ('complete', 'refund')),
    booking_id    TEXT   NOT NULL CONSTRAINT tasks_of_booking REFERENCES bookings (booking_id),
    -- Of a refund.
    attempt       BIGINT,
    due_ms        BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    CONSTRAINT tasks_of_attempt CHECK (kind = 'complete' OR attempt IS NOT NULL)
);

CREATE INDEX tasks_by_due ON tasks (kind, due_ms);
