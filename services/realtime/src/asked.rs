//! What clients ask: to join and to leave.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, value::RawValue};
use socketioxide::extract::SocketRef;
use sunbeon_chassis::Auth;
use sunbeon_domain::{Code, Coded, ConcertId, Field, Language, Standing};
use sunbeon_store::{Asker, StoreError};
use sunbeon_tokens::unix_now;

use crate::{
    Realtime,
    asks::Asked,
    event::{Ask, Event, Names, written},
    joined::Joined,
    round::{Now, room_info},
    visitors::Visitor,
};

/// The answer to an event that asks for one.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Standing {
        ok: bool,
        standing: Box<Standing>,
    },
    Line {
        ok: bool,
        line: Box<RawValue>,
    },
    Done {
        ok: bool,
    },
    Refused {
        ok: bool,
        code: &'static str,
        message: &'static str,
    },
}

/// Why something is not done.
pub(crate) struct Refused(Code);

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self(error.code())
    }
}

impl Realtime {
    /// Answers what a client has asked, until nothing is left.
    pub(crate) async fn answer(&self, auth: &Auth, socket: &SocketRef, visitor: &Visitor) {
        while let Some(Asked { name, data, ack }) = visitor.asks.next() {
            if socket.connected() {
                let answer = self.asked(auth, socket, visitor, &name, data).await;
                ack.send(&answer).await;
            }
        }
    }

    async fn asked(
        &self,
        auth: &Auth,
        socket: &SocketRef,
        visitor: &Visitor,
        name: &str,
        data: Option<Value>,
    ) -> Answer {
        let done = self.done(auth, socket, visitor, name, data).await;
        done.unwrap_or_else(|Refused(code)| {
            let language = socket.req_parts().extensions.get::<Language>();
            Answer::Refused {
                ok: false,
                code: code.word(),
                message: code
                    .text()
                    .in_language(language.copied().unwrap_or_default()),
            }
        })
    }

    async fn done(
        &self,
        auth: &Auth,
        socket: &SocketRef,
        visitor: &Visitor,
        name: &str,
        data: Option<Value>,
    ) -> Result<Answer, Refused> {
        if visitor.is_over(unix_now()) {
            return Err(Refused(Code::Unauthenticated));
        }
        let counted = auth.count_member(&visitor.member, socket.req_parts());
        counted.map_err(|error| Refused(error.code()))?;
        let (ask, names) = Ask::named(name).ok_or(Refused(Code::NotFound))?;
        let id = concert(data).ok_or(Refused(Code::Invalid(Field::ConcertId)))?;
        match ask {
            Ask::JoinQueue => self.join_queue(socket, visitor, &id, names).await,
            Ask::JoinEvent => self.join_event(socket, visitor, &id, names).await,
            Ask::LeaveQueue | Ask::LeaveEvent => {
                self.leave(socket, visitor, &id, ask);
                Ok(Answer::Done { ok: true })
            }
        }
    }

    /// Joins the line's room: where the member stands is told from now on. It enters no line.
    async fn join_queue(
        &self,
        socket: &SocketRef,
        visitor: &Visitor,
        id: &ConcertId,
        names: Names,
    ) -> Result<Answer, Refused> {
        let now = Now::of(self.places.snapshots.get(id).await?);
        let asker = Asker {
            member: visitor.member.clone(),
            sign_of_life: true,
        };
        let found = self.asking.ask(id, asker).await?;
        let joined = self.enter(socket, visitor, id)?;
        joined.state().join_queue(names);
        let standing = self.found(&now, &joined, found);
        joined.tell(Event::Line, &now.line);
        self.has_joined(socket, id);
        Ok(Answer::Standing {
            ok: true,
            standing: Box::new(standing),
        })
    }

    /// Joins the shop's room: seats and tickets are told from now on.
    async fn join_event(
        &self,
        socket: &SocketRef,
        visitor: &Visitor,
        id: &ConcertId,
        names: Names,
    ) -> Result<Answer, Refused> {
        let now = Now::of(self.places.snapshots.get(id).await?);
        let joined = self.enter(socket, visitor, id)?;
        joined.state().event = Some(names);
        joined.tell(Event::Line, &now.line);
        self.has_joined(socket, id);
        Ok(Answer::Line {
            ok: true,
            line: now.line,
        })
    }

    /// Puts a socket into a concert's room, and out of those that its page has not asked for.
    fn enter(
        &self,
        socket: &SocketRef,
        visitor: &Visitor,
        id: &ConcertId,
    ) -> Result<Arc<Joined>, Refused> {
        let left = visitor.join(id).ok_or(Refused(Code::TooManyRequests))?;
        for other in left {
            self.rooms.leave(&other, socket.id);
        }
        Ok(self.rooms.enter(id, socket, &visitor.member))
    }

    /// Tells a socket how many have joined. One that closed while it joined is out again.
    pub(crate) fn has_joined(&self, socket: &SocketRef, id: &ConcertId) {
        if !socket.connected() {
            self.rooms.leave(id, socket.id);
        } else if let Some(joined) = self.rooms.find(id, socket.id) {
            joined.tell(Event::Room, &written(&room_info(id, self.rooms.count(id))));
        }
    }

    fn leave(&self, socket: &SocketRef, visitor: &Visitor, id: &ConcertId, ask: Ask) {
        let Some(joined) = self.rooms.find(id, socket.id) else {
            return;
        };
        let mut state = joined.state();
        match ask {
            Ask::LeaveQueue => state.queue = None,
            _ => state.event = None,
        }
        let is_out = state.queue.is_none() && state.event.is_none();
        drop(state);
        if is_out {
            self.rooms.leave(id, socket.id);
            visitor.leave(id);
        }
    }
}

/// Reads a concert's id, bare or in an object.
fn concert(data: Option<Value>) -> Option<ConcertId> {
    let text = match data? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Object(mut fields) => {
            let named = fields
                .remove("concertId")
                .or_else(|| fields.remove("eventId"));
            return match named? {
                Value::Object(_) => None,
                id => concert(Some(id)),
            };
        }
        _ => return None,
    };
    ConcertId::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_concert_is_named_bare_or_in_an_object() {
        for (data, id) in [
            (json!("demo"), Some("demo")),
            (json!(123), Some("123")),
            (json!({"eventId": "demo"}), Some("demo")),
            (json!({"concertId": "demo", "userId": 7}), Some("demo")),
            (json!({"eventId": 123, "userId": "me"}), Some("123")),
            (json!({}), None),
            (json!({"eventId": {"eventId": "demo"}}), None),
            (json!(["demo"]), None),
            (json!(null), None),
            (json!(-1.5), None),
            (json!("no such: id"), None),
        ] {
            let read = concert(Some(data.clone()));
            assert_eq!(read.as_ref().map(ConcertId::as_str), id, "{data}");
        }
        assert_eq!(concert(None), None);
    }
}
