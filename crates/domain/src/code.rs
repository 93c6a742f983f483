//! Every code that a failure can carry, each with its HTTP status and both messages.

use crate::Text;

/// One row a field: variant, the end of its code, its name on the wire, the rule in both languages.
macro_rules! fields {
    ($($variant:ident $code:literal $name:literal $ko:literal $en:literal;)*) => {
        /// Something a request gives that can be malformed on its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "` ", $en)] $variant,)*
        }

        impl Field {
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word on the wire, and the rule.
            const fn entry(self) -> (&'static str, Text) {
                match self {
                    $(Self::$variant => (
                        concat!("INVALID_", $code),
                        Text { ko: concat!($name, ": ", $ko), en: concat!($name, ": ", $en) },
                    ),)*
                }
            }
        }
    };
}

fields! {
    AutoOpen "AUTO_OPEN" "autoOpen"
        "true 또는 false여야 합니다."
        "must be true or false.";
    BatchSize "BATCH_SIZE" "batchSize"
        "1~10,000의 정수여야 합니다."
        "must be a whole number from 1 to 10,000.";
    BookingEndAt "BOOKING_END_AT" "bookingEndAt"
        "bookingStartAt보다 뒤인 RFC 3339 시각이어야 합니다."
        "must be an RFC 3339 time after bookingStartAt.";
    BookingStartAt "BOOKING_START_AT" "bookingStartAt"
        "RFC 3339 시각이어야 합니다."
        "must be an RFC 3339 time.";
    ConcertId "CONCERT_ID" "concertId"
        "A-Z, a-z, 0-9, '_', '-'로 된 1~64자여야 합니다."
        "must be 1 to 64 of A-Z, a-z, 0-9, '_' and '-'.";
    Cursor "CURSOR" "cursor"
        "앞 응답의 nextCursor여야 합니다."
        "must be the nextCursor of an earlier answer.";
    EntryNumber "ENTRY_NUMBER" "entryNumber"
        "앞 응답의 entryNumber여야 합니다."
        "must be the entryNumber of an earlier answer.";
    EntryIntervalSeconds "ENTRY_INTERVAL_SECONDS" "entryIntervalSeconds"
        "1~3,600의 정수여야 합니다."
        "must be a whole number from 1 to 3,600.";
    GroupSize "GROUP_SIZE" "groupSize"
        "1~10,000의 정수여야 합니다."
        "must be a whole number from 1 to 10,000.";
    HoldDurationMinutes "HOLD_DURATION_MINUTES" "holdDurationMinutes"
        "1~120의 정수여야 합니다."
        "must be a whole number from 1 to 120.";
    IdempotencyKey "IDEMPOTENCY_KEY" "Idempotency-Key"
        "보이는 ASCII 1~128자여야 합니다."
        "must be 1 to 128 visible ASCII characters.";
    Identity "IDENTITY" "identity"
        "member 또는 guest여야 합니다."
        "must be member or guest.";
    IfMatch "IF_MATCH" "If-Match"
        "앞 응답의 ETag여야 합니다."
        "must be the ETag of an earlier answer.";
    JoinStartHours "JOIN_START_HOURS" "joinStartHours"
        "0~720의 정수여야 합니다."
        "must be a whole number from 0 to 720.";
    KeepPlaceMinutes "KEEP_PLACE_MINUTES" "keepPlaceMinutes"
        "0~1,440의 정수여야 합니다."
        "must be a whole number from 0 to 1,440.";
    Limit "LIMIT" "limit"
        "1~1,000의 정수여야 합니다."
        "must be a whole number from 1 to 1,000.";
    MaxActive "MAX_ACTIVE" "maxActive"
        "1~10,000,000의 정수여야 하며 mode가 threshold이면 필수입니다."
        "must be a whole number from 1 to 10,000,000, and is required in mode threshold.";
    MaxQueueSize "MAX_QUEUE_SIZE" "maxQueueSize"
        "1~10,000,000의 정수여야 합니다."
        "must be a whole number from 1 to 10,000,000.";
    MaxWaitTimeMinutes "MAX_WAIT_TIME_MINUTES" "maxWaitTimeMinutes"
        "1~10,080의 정수여야 합니다."
        "must be a whole number from 1 to 10,080.";
    MemberId "MEMBER_ID" "memberId"
        "보이는 ASCII 1~255자여야 합니다."
        "must be 1 to 255 visible ASCII characters.";
    Mode "MODE" "mode"
        "queue, threshold, off 중 하나여야 합니다."
        "must be queue, threshold or off.";
    Name "NAME" "name"
        "100자 이하의 글자열이어야 합니다."
        "must be a text of at most 100 characters.";
    Notice "NOTICE" "notice"
        "1,000자 이하의 글자열이어야 합니다."
        "must be a text of at most 1,000 characters.";
    Paused "PAUSED" "paused"
        "true 또는 false여야 합니다."
        "must be true or false.";
    PaymentToken "PAYMENT_TOKEN" "paymentToken"
        "결제사가 준 1~255자의 보이는 ASCII여야 합니다."
        "must be the payment provider's token, 1 to 255 visible ASCII characters.";
    PerMemberLimit "PER_MEMBER_LIMIT" "perMemberLimit"
        "1~100의 정수여야 합니다."
        "must be a whole number from 1 to 100.";
    ReadyTtlSeconds "READY_TTL_SECONDS" "readyTtlSeconds"
        "10~3,600의 정수여야 합니다."
        "must be a whole number from 10 to 3,600.";
    RefuseLongWait "REFUSE_LONG_WAIT" "refuseLongWait"
        "true 또는 false여야 합니다."
        "must be true or false.";
    SeatIds "SEAT_IDS" "seatIds"
        "서로 다른 좌석 번호 1~100개의 목록이어야 합니다."
        "must be a list of 1 to 100 different seat ids.";
    Sections "SECTIONS" "sections"
        "이름, 가격, 열이 있는 구역의 목록이어야 합니다."
        "must be a list of sections, each with its name, price and rows.";
    SessionMinutes "SESSION_MINUTES" "sessionMinutes"
        "1~120의 정수여야 합니다."
        "must be a whole number from 1 to 120.";
    Tickets "TICKETS" "tickets"
        "서로 다른 ticketId와 1 이상의 수량이 있는 목록이어야 합니다."
        "must be a list of different ticketIds, each with a quantity of at least 1.";
    TimeZone "TIME_ZONE" "timeZone"
        "IANA 시간대 이름이어야 합니다."
        "must be the name of an IANA time zone.";
    Title "TITLE" "title"
        "1~200자의 글자열이어야 합니다."
        "must be a text of 1 to 200 characters.";
    WaitingTtlSeconds "WAITING_TTL_SECONDS" "waitingTtlSeconds"
        "30~3,600의 정수여야 합니다."
        "must be a whole number from 30 to 3,600.";
}

/// One row a code: variant, status, the word on the wire, both messages.
macro_rules! codes {
    ($($variant:ident $status:literal $word:literal $ko:literal $en:literal;)*) => {
        /// A stable word that a failure carries in `code`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            /// 400: a field is malformed.
            Invalid(Field),
            $(#[doc = concat!(stringify!($status), ": ", $en)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of their statuses.
            pub fn all() -> impl Iterator<Item = Self> {
                let fields = Field::ALL.iter().map(|field| Self::Invalid(*field));
                fields.chain([$(Self::$variant),*])
            }

            /// The HTTP status, the word on the wire, and both messages.
            const fn entry(self) -> (u16, &'static str, Text) {
                match self {
                    Self::Invalid(field) => {
                        let (word, text) = field.entry();
                        (400, word, text)
                    }
                    $(Self::$variant => ($status, $word, Text { ko: $ko, en: $en }),)*
                }
            }
        }
    };
}

codes! {
    InvalidBody 400 "INVALID_BODY"
        "요청 본문이 올바른 JSON이 아니거나 모르는 항목이 있습니다."
        "The body is not the JSON that this route takes.";
    Unauthenticated 401 "UNAUTHENTICATED"
        "인증에 실패했습니다. 다시 로그인해 주세요."
        "The access token is missing, malformed or expired.";
    PaymentDeclined 402 "PAYMENT_DECLINED"
        "결제가 거절되었습니다. 다른 결제 수단으로 다시 시도해 주세요."
        "The payment was declined; nothing was charged, and what you hold is still yours.";
    Forbidden 403 "FORBIDDEN"
        "이 요청을 할 권한이 없습니다."
        "You may not do this.";
    NotReady 403 "NOT_READY"
        "아직 입장 차례가 아닙니다."
        "It is not your turn yet.";
    QueueTokenRequired 403 "QUEUE_TOKEN_REQUIRED"
        "예매 토큰이 필요합니다."
        "A booking token of yours for this concert is required.";
    GuestsNotAllowed 403 "GUESTS_NOT_ALLOWED"
        "로그인한 회원만 이용할 수 있는 콘서트입니다."
        "This concert is for members alone; log in.";
    NotFound 404 "NOT_FOUND"
        "없는 주소입니다."
        "There is nothing at this address.";
    ConcertNotFound 404 "CONCERT_NOT_FOUND"
        "없는 콘서트입니다."
        "There is no such concert.";
    SeatNotFound 404 "SEAT_NOT_FOUND"
        "없는 좌석입니다."
        "There is no such seat.";
    TicketNotFound 404 "TICKET_NOT_FOUND"
        "없는 티켓입니다."
        "There is no such ticket.";
    BookingNotFound 404 "BOOKING_NOT_FOUND"
        "없는 예매입니다."
        "You have no such booking.";
    StockNotFound 404 "STOCK_NOT_FOUND"
        "판매할 좌석이나 티켓이 등록되지 않은 콘서트입니다."
        "Nothing is on sale for this concert.";
    MethodNotAllowed 405 "METHOD_NOT_ALLOWED"
        "이 주소에서 쓸 수 없는 메서드입니다."
        "This address does not take that method.";
    AlreadyInQueue 409 "ALREADY_IN_QUEUE"
        "이미 대기열에 있습니다."
        "You are in line already; your place is kept.";
    NotOpenYet 409 "NOT_OPEN_YET"
        "아직 대기열 입장 시간이 아닙니다."
        "The line has not opened yet.";
    BookingClosed 409 "BOOKING_CLOSED"
        "예매가 종료되었습니다."
        "Booking is closed.";
    QueueFull 409 "QUEUE_FULL"
        "대기열이 가득 찼습니다."
        "The line is full.";
    ConcertExists 409 "CONCERT_EXISTS"
        "이미 있는 콘서트입니다."
        "There is a concert of this id already.";
    ConcertInUse 409 "CONCERT_IN_USE"
        "종료되지 않았거나 아직 이용 중인 사람이 있는 콘서트입니다."
        "The concert is not closed, or somebody is still inside.";
    IdempotencyKeyReused 409 "IDEMPOTENCY_KEY_REUSED"
        "같은 Idempotency-Key가 다른 요청에 쓰였습니다."
        "This Idempotency-Key was used with another request.";
    SeatTaken 409 "SEAT_TAKEN"
        "이미 선택된 좌석입니다."
        "A seat is held or sold already.";
    SeatNotHeld 409 "SEAT_NOT_HELD"
        "내가 선택한 좌석이 아니거나 선택 시간이 지났습니다."
        "A seat is not held by you, or its hold has ended.";
    SoldOut 409 "SOLD_OUT"
        "티켓이 매진되었습니다."
        "Not enough tickets are left.";
    LimitReached 409 "LIMIT_REACHED"
        "1인당 예매 수량을 넘었습니다."
        "This is more than one member may book.";
    BookingExpired 409 "BOOKING_EXPIRED"
        "결제 시간이 지나 예매가 취소되었습니다."
        "The booking was not confirmed in time; what it held is free again.";
    BookingCancelled 409 "BOOKING_CANCELLED"
        "취소된 예매입니다."
        "The booking is cancelled.";
    PaymentInFlight 409 "PAYMENT_IN_FLIGHT"
        "결제가 진행 중입니다. 잠시 뒤 다시 확인해 주세요."
        "A payment for this booking is under way; look again shortly.";
    StockInUse 409 "STOCK_IN_USE"
        "이미 선택되거나 판매된 좌석 또는 티켓이 있습니다."
        "Something of this stock is held or sold already.";
    VersionMismatch 412 "VERSION_MISMATCH"
        "그사이 콘서트가 바뀌었습니다. 다시 읽고 시도해 주세요."
        "The concert has changed since you read it.";
    BodyTooLarge 413 "BODY_TOO_LARGE"
        "요청 본문이 64 KiB를 넘습니다."
        "The body is larger than 64 KiB.";
    UnsupportedMediaType 415 "UNSUPPORTED_MEDIA_TYPE"
        "Content-Type은 application/json이어야 합니다."
        "The Content-Type must be application/json.";
    VersionRequired 428 "VERSION_REQUIRED"
        "If-Match 헤더가 필요합니다."
        "An If-Match header is required.";
    TooManyRequests 429 "TOO_MANY_REQUESTS"
        "요청이 너무 많습니다. 잠시 뒤 다시 시도해 주세요."
        "Too many requests; try again shortly.";
    Internal 500 "INTERNAL"
        "서버 내부 오류입니다."
        "Something is wrong on our side.";
    StoreDown 503 "STORE_DOWN"
        "대기열 저장소에 연결할 수 없습니다. 순번은 유지됩니다."
        "The store cannot be reached; your place is kept.";
    BrokerDown 503 "BROKER_DOWN"
        "메시지 브로커에 연결할 수 없습니다. 아무도 입장시키지 않았습니다."
        "The message broker cannot be reached; nobody was admitted.";
    DatabaseDown 503 "DATABASE_DOWN"
        "데이터베이스가 응답하지 않습니다. 처리되었는지 확인한 뒤 다시 시도해 주세요."
        "The database did not answer; look whether it was done before you try again.";
    KeysDown 503 "KEYS_DOWN"
        "로그인 정보를 확인할 수 없습니다. 잠시 뒤 다시 시도해 주세요."
        "The keys that check access tokens cannot be fetched; try again shortly.";
    PaymentDown 503 "PAYMENT_DOWN"
        "결제 결과를 아직 알 수 없습니다. 같은 요청을 다시 보내 주세요. 두 번 결제되지 않습니다."
        "The payment's outcome is not known yet; send the same request again, you pay once.";
    WaitingRoomDown 503 "WAITING_ROOM_DOWN"
        "대기열 서비스에 연결할 수 없습니다. 잠시 뒤 다시 시도해 주세요."
        "The waiting room cannot be reached; try again shortly.";
}

impl Code {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.entry().0
    }

    /// The word on the wire.
    pub fn word(self) -> &'static str {
        self.entry().1
    }

    /// The message in both languages.
    pub fn text(self) -> Text {
        self.entry().2
    }
}

/// An error that knows what a client is told of it.
pub trait Coded: std::error::Error + Send + Sync + 'static {
    /// The code that a client sees.
    fn code(&self) -> Code;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn words_are_distinct_and_upper_snake() {
        let words: Vec<_> = Code::all().map(Code::word).collect();
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        for word in words {
            assert!(
                word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
                "{word}"
            );
        }
    }

    #[test]
    fn the_manual_lists_every_code_with_its_status_and_messages() {
        let manual = include_str!("../../../docs/errors.md");
        for code in Code::all() {
            let row = format!(
                "| `{}` | {} | {} | {} |",
                code.word(),
                code.status(),
                code.text().en,
                code.text().ko
            );
            assert!(
                manual.lines().any(|line| line == row),
                "docs/errors.md lacks: {row}"
            );
        }
        let rows = manual
            .lines()
            .filter(|line| line.starts_with("| `"))
            .count();
        assert_eq!(
            rows,
            Code::all().count(),
            "docs/errors.md has rows for codes that are no more"
        );
    }
}
