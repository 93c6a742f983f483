//! Every code that a failure can carry, each with its HTTP status and both messages.
//!
//! A message tells the client what to do next.

use crate::{PolicyField, Text};

/// One row per field: variant, end of its code, name on the wire, and rule in both languages.
macro_rules! fields {
    ($($variant:ident $code:literal $name:literal $ko:literal $en:literal;)*) => {
        /// A part of a request that can be malformed by itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = concat!("`", $name, "` ", $en)] $variant,)*
            /// A field of a policy.
            Policy(PolicyField),
        }

        impl Field {
            /// Iterates over every field.
            fn all() -> impl Iterator<Item = Self> {
                let policy = PolicyField::ALL.iter().map(|field| Self::Policy(*field));
                [$(Self::$variant),*].into_iter().chain(policy)
            }

            /// Returns the field with this name on the wire.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => {
                        let field = PolicyField::ALL.iter().find(|field| field.name() == name);
                        field.map(|field| Self::Policy(*field))
                    }
                }
            }

            /// Returns the word on the wire and the rule.
            const fn entry(self) -> (&'static str, Text) {
                match self {
                    Self::Policy(field) => field.entry(),
                    $(Self::$variant => (
                        concat!("INVALID_", $code),
                        Text { ko: concat!($name, ": ", $ko), en: concat!($name, " ", $en) },
                    ),)*
                }
            }
        }
    };
}

fields! {
    After "AFTER" "after"
        "앞 응답의 cursor를 그대로 보내 주세요."
        "must be the cursor of an earlier answer.";
    BatchSize "BATCH_SIZE" "batchSize"
        "1부터 10,000까지의 정수를 적어 주세요."
        "must be a whole number from 1 to 10,000.";
    ConcertId "CONCERT_ID" "concertId"
        "A-Z, a-z, 0-9, '_', '-'로 된 1~64자로 적어 주세요."
        "must be 1 to 64 characters from A-Z, a-z, 0-9, '_' and '-'.";
    Count "COUNT" "count"
        "like와 함께 1부터 100까지의 정수를 적어 주세요."
        "must be a whole number from 1 to 100, sent with like.";
    Cursor "CURSOR" "cursor"
        "앞 응답의 nextCursor를 그대로 보내 주세요."
        "must be the nextCursor of an earlier answer.";
    EntryNumber "ENTRY_NUMBER" "entryNumber"
        "앞 응답의 entryNumber를 그대로 보내 주세요."
        "must be the entryNumber of an earlier answer.";
    Held "HELD" "held"
        "0부터 10,000,000까지의 정수를 적어 주세요."
        "must be a whole number from 0 to 10,000,000.";
    IdempotencyKey "IDEMPOTENCY_KEY" "Idempotency-Key"
        "공백 없는 ASCII 1~128자로 보내 주세요."
        "must be 1 to 128 visible ASCII characters.";
    IfMatch "IF_MATCH" "If-Match"
        "앞 응답의 ETag를 그대로 보내 주세요."
        "must be the ETag of an earlier answer.";
    Like "LIKE" "like"
        "좌석 ID 하나를 count와 함께 보내 주세요."
        "must be the id of a seat, sent with count.";
    Limit "LIMIT" "limit"
        "1부터 1,000까지의 정수를 적어 주세요."
        "must be a whole number from 1 to 1,000.";
    MemberId "MEMBER_ID" "memberId"
        "공백 없는 ASCII 1~255자로 적어 주세요."
        "must be 1 to 255 visible ASCII characters.";
    Name "NAME" "name"
        "100자 이하로, 줄바꿈이나 제어 문자 없이 보내 주세요."
        "must be a text of at most 100 characters, without line breaks or control characters.";
    PaymentToken "PAYMENT_TOKEN" "paymentToken"
        "결제사에서 받은 값을 공백 없는 ASCII 1~255자로 보내 주세요."
        "must be the payment provider's token, 1 to 255 visible ASCII characters.";
    PerMemberLimit "PER_MEMBER_LIMIT" "perMemberLimit"
        "1부터 100까지의 정수를 적어 주세요."
        "must be a whole number from 1 to 100.";
    SeatIds "SEAT_IDS" "seatIds"
        "서로 다른 좌석 ID 1~100개를 목록으로 보내 주세요. 예매라면 tickets만 보내도 됩니다."
        "must be a list of 1 to 100 different seat ids. A booking may name only tickets instead.";
    Sections "SECTIONS" "sections"
        "이름, 가격, 열이 있는 구역을 목록으로 보내 주세요."
        "must be a list of sections, each with its name, price and rows.";
    Since "SINCE" "since"
        "앞 응답의 at을 그대로 보내 주세요."
        "must be the at of an earlier answer.";
    Tickets "TICKETS" "tickets"
        "서로 다른 ticketId와 1 이상의 수량을 목록으로 보내 주세요."
        "must be a list of different ticketIds, each with a quantity of at least 1.";
    Tiers "TIERS" "tiers"
        "이름과 남은 수량(0~10,000,000), 있으면 가격까지 담은 등급 1~64개를 목록으로 보내 주세요."
        "must be a list of 1 to 64 price tiers, each with its name, how many are left (0 to 10,000,000) and, if it has one, its price.";
}

/// One row per code: variant, status, word on the wire, and both messages.
macro_rules! codes {
    ($($variant:ident $status:literal $word:literal $ko:literal $en:literal;)*) => {
        /// The stable word in the `code` of a failure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            /// 400: a field is malformed.
            Invalid(Field),
            $(#[doc = concat!(stringify!($status), ": ", $en)] $variant,)*
        }

        impl Code {
            /// Iterates over every code, ordered by status.
            pub fn all() -> impl Iterator<Item = Self> {
                let fields = Field::all().map(Self::Invalid);
                fields.chain([$(Self::$variant),*])
            }

            /// Returns the HTTP status, the word on the wire and both messages.
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
        "이 요청이 받는 항목만 담은 JSON 객체를 보내 주세요. 잘못된 항목은 data에 있습니다."
        "Send a JSON object with only the fields of this route; data names the one to correct.";
    InvalidQuery 400 "INVALID_QUERY"
        "이 주소에서 쓰지 않는 쿼리 항목입니다. data에 있는 항목을 빼 주세요."
        "This route does not take the query field that data names; leave it out.";
    Unauthenticated 401 "UNAUTHENTICATED"
        "로그인이 필요합니다. 다시 로그인해 주세요."
        "Log in again: the access token is missing, invalid or expired.";
    PaymentDeclined 402 "PAYMENT_DECLINED"
        "결제가 승인되지 않았고 청구된 금액은 없습니다. 예매는 그대로 있으니 다른 결제 수단으로 다시 시도해 주세요."
        "The payment was declined and nothing was charged. Your booking is still held; try another payment method.";
    Forbidden 403 "FORBIDDEN"
        "이 요청을 할 권한이 없습니다."
        "Your token does not allow this request.";
    CrossSite 403 "CROSS_SITE"
        "다른 사이트에서 보낸 요청입니다. 이 사이트의 페이지에서 다시 시도해 주세요."
        "This request came from another site's page. Send it from a page of this site, or with an Authorization header.";
    NotReady 403 "NOT_READY"
        "지금은 입장 차례가 아닙니다. 대기 상태를 확인하고, 대기열에 없으면 다시 줄을 서 주세요."
        "It is not your turn. Check your status; if you are no longer in line, enter again.";
    QueueTokenRequired 403 "QUEUE_TOKEN_REQUIRED"
        "이 콘서트의 유효한 예매 토큰이 필요합니다. 대기열을 거쳐 입장해 주세요."
        "You need a valid booking token for this concert. Enter the waiting room to get one.";
    GuestsNotAllowed 403 "GUESTS_NOT_ALLOWED"
        "회원만 이용할 수 있는 콘서트입니다. 로그인해 주세요."
        "Only members can enter this line. Log in and try again.";
    NotFound 404 "NOT_FOUND"
        "주소를 찾을 수 없습니다. 주소를 확인해 주세요."
        "There is nothing at this address. Check the URL.";
    ConcertNotFound 404 "CONCERT_NOT_FOUND"
        "콘서트를 찾을 수 없습니다. 콘서트 ID를 확인해 주세요."
        "There is no such concert. Check the concertId.";
    SeatNotFound 404 "SEAT_NOT_FOUND"
        "없는 좌석입니다. 좌석 배치도를 새로 고쳐 주세요."
        "There is no such seat. Load the seat map again.";
    TicketNotFound 404 "TICKET_NOT_FOUND"
        "없는 티켓입니다. 티켓 목록을 새로 고쳐 주세요."
        "There is no such ticket. Load the list of tickets again.";
    BookingNotFound 404 "BOOKING_NOT_FOUND"
        "예매 내역을 찾을 수 없습니다. 내 예매 목록을 확인해 주세요."
        "You have no such booking. Check the list of your bookings.";
    StockNotFound 404 "STOCK_NOT_FOUND"
        "지금 판매 중인 좌석이나 티켓이 없습니다. 나중에 다시 확인해 주세요."
        "Nothing is on sale for this concert at the moment. Check again later.";
    MethodNotAllowed 405 "METHOD_NOT_ALLOWED"
        "이 주소에서 쓸 수 없는 메서드입니다."
        "This address does not support that method.";
    AlreadyInQueue 409 "ALREADY_IN_QUEUE"
        "이미 대기 중입니다. 순번은 그대로 유지됩니다."
        "You are already in line and keep your place.";
    NotOpenYet 409 "NOT_OPEN_YET"
        "아직 대기열이 열리지 않았습니다. 열리는 시각에 다시 줄을 서 주세요."
        "The line is not open yet. Come back at data.opensAt.";
    BookingClosed 409 "BOOKING_CLOSED"
        "예매가 종료되었습니다."
        "Booking is closed.";
    QueueFull 409 "QUEUE_FULL"
        "대기 인원이 가득 찼습니다. 잠시 뒤 다시 시도해 주세요."
        "The line is full. Try again later.";
    ConcertExists 409 "CONCERT_EXISTS"
        "이미 있는 콘서트 ID입니다. 다른 ID를 쓰거나 기존 콘서트를 변경해 주세요."
        "A concert with this id already exists. Choose another id, or change that concert.";
    ConcertInUse 409 "CONCERT_IN_USE"
        "콘서트를 종료하고 이용 중인 사람이 모두 나간 뒤에 삭제해 주세요."
        "Close the concert and wait until nobody is inside, then delete it.";
    IdempotencyKeyReused 409 "IDEMPOTENCY_KEY_REUSED"
        "다른 요청에 이미 쓰인 Idempotency-Key입니다. 새 값을 보내 주세요."
        "This Idempotency-Key was used with a different request. Use a new one.";
    SeatTaken 409 "SEAT_TAKEN"
        "이미 선택되었거나 판매된 좌석입니다. 다른 좌석을 선택해 주세요."
        "A seat is already held or sold. Choose another one.";
    SeatNotHeld 409 "SEAT_NOT_HELD"
        "선택하지 않았거나 선택 시간이 지난 좌석입니다. 좌석을 다시 선택해 주세요."
        "You do not hold this seat, or its hold has expired. Choose your seats again.";
    SoldOut 409 "SOLD_OUT"
        "남은 티켓이 부족합니다. 수량을 줄이거나 다른 티켓을 선택해 주세요."
        "Not enough tickets are left. Choose fewer or other ones.";
    LimitReached 409 "LIMIT_REACHED"
        "1인당 예매 한도를 넘었습니다. 수량을 줄여 주세요."
        "This is more than one member may book. Choose fewer.";
    BookingExpired 409 "BOOKING_EXPIRED"
        "결제 시간이 지났거나 이용 시간이 끝나 예매가 취소되었습니다. 다시 예매해 주세요."
        "The booking was not paid before its time or its session ended, and has been released. Book again.";
    BookingCancelled 409 "BOOKING_CANCELLED"
        "취소된 예매입니다. 필요하면 다시 예매해 주세요."
        "This booking has been cancelled. Book again if you still want to come.";
    PaymentInFlight 409 "PAYMENT_IN_FLIGHT"
        "결제가 진행 중입니다. 잠시 뒤 다시 확인해 주세요."
        "A payment for this booking is in progress. Check the booking again shortly.";
    StockInUse 409 "STOCK_IN_USE"
        "이미 선택되었거나 판매된 좌석과 티켓은 뺄 수 없습니다. 그대로 두거나 판매를 먼저 초기화해 주세요."
        "Seats or tickets that are held or sold cannot be taken off sale. Keep them, or reset the sale first.";
    VersionMismatch 412 "VERSION_MISMATCH"
        "그사이 콘서트가 변경되었습니다. 다시 조회한 뒤 변경해 주세요."
        "The concert has changed since you read it. Read it again and repeat your change.";
    BodyTooLarge 413 "BODY_TOO_LARGE"
        "요청 본문이 64 KiB를 넘습니다. 줄여서 보내 주세요."
        "The body is larger than 64 KiB. Send a smaller one.";
    UnsupportedMediaType 415 "UNSUPPORTED_MEDIA_TYPE"
        "Content-Type을 application/json으로 보내 주세요."
        "Send the body with Content-Type: application/json.";
    VersionRequired 428 "VERSION_REQUIRED"
        "조회할 때 받은 ETag를 If-Match 헤더로 보내 주세요."
        "Send an If-Match header with the ETag that you read.";
    TooManyRequests 429 "TOO_MANY_REQUESTS"
        "요청이 너무 많습니다. 잠시 뒤 다시 시도해 주세요."
        "Too many requests. Try again after the seconds in Retry-After.";
    Internal 500 "INTERNAL"
        "서버에 문제가 생겼습니다. 잠시 뒤 다시 시도해 주시고, 계속되면 X-Request-Id를 알려 주세요."
        "Something went wrong on our side. Try again; if it keeps happening, report the X-Request-Id.";
    StoreDown 503 "STORE_DOWN"
        "대기열을 잠시 이용할 수 없습니다. 순번은 유지되니 잠시 뒤 다시 시도해 주세요."
        "The waiting room's store is unavailable. Your place is kept; try again shortly.";
    StoreFull 503 "STORE_FULL"
        "대기열이 가득 차 새로 받을 수 없습니다. 이미 받은 순번은 유지됩니다. 잠시 뒤 다시 시도해 주세요."
        "The waiting room's store is full and accepts nothing new. Places already taken are kept; try again shortly.";
    BrokerDown 503 "BROKER_DOWN"
        "메시지 브로커에 연결할 수 없어 아무도 입장시키지 않았습니다. 잠시 뒤 다시 시도해 주세요."
        "The message broker is unavailable, so nobody was admitted. Try again shortly.";
    DatabaseDown 503 "DATABASE_DOWN"
        "데이터베이스가 응답하지 않습니다. 처리되었는지 확인한 뒤 다시 시도해 주세요."
        "The database did not answer. Check whether the change was made before you try again.";
    KeysDown 503 "KEYS_DOWN"
        "지금은 로그인을 확인할 수 없습니다. 잠시 뒤 다시 시도해 주세요."
        "Access tokens cannot be checked at the moment. Try again shortly.";
    PaymentDown 503 "PAYMENT_DOWN"
        "결제 결과를 아직 확인하지 못했습니다. 같은 요청을 다시 보내 주세요. 두 번 결제되지 않습니다."
        "The outcome of the payment is not known yet. Send the same request again; you pay only once.";
    WaitingRoomDown 503 "WAITING_ROOM_DOWN"
        "대기열에 연결할 수 없습니다. 잠시 뒤 다시 시도해 주세요."
        "The waiting room is unavailable. Try again shortly.";
}

impl Code {
    /// Returns the HTTP status.
    pub fn status(self) -> u16 {
        self.entry().0
    }

    /// Returns the word on the wire.
    pub fn word(self) -> &'static str {
        self.entry().1
    }

    /// Returns the message in both languages.
    pub fn text(self) -> Text {
        self.entry().2
    }

    /// Returns the code with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::all().find(|code| code.word() == word)
    }
}

/// An error that knows which code clients see.
pub trait Coded: std::error::Error + Send + Sync + 'static {
    /// Returns the code that clients see.
    fn code(&self) -> Code;
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_upper_snake_case() {
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
            "docs/errors.md lists codes that do not exist"
        );
    }
}
