//! The answers to visitors who are not let in.

use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use serde::Serialize;
use sunbeon_domain::{Code, ConcertId, Language};
use sunbeon_tokens::forget_cookie;

use crate::{decide::Refusal, gate::Inner, target::Target};

/// Seconds.
const RETRY_AFTER: u32 = 2;
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Serialize)]
struct Failure<'a> {
    message: &'static str,
    code: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    waiting_page: &'a str,
}

impl Inner {
    /// Sends a visitor to the waiting page: browsers by a redirect, all other clients by its
    /// address.
    pub(crate) fn to_the_line<B: From<String>>(
        &self,
        request: &Parts,
        refusal: &Refusal,
    ) -> Response<B> {
        let mut response = self.waiting_page_or_403(request, refusal.concert.as_ref());
        if let Some(concert) = &refusal.spent_cookie {
            let forget = forget_cookie(concert);
            response.headers_mut().append(header::SET_COOKIE, forget);
        }
        response
    }

    fn waiting_page_or_403<B: From<String>>(
        &self,
        request: &Parts,
        concert: Option<&ConcertId>,
    ) -> Response<B> {
        let to_the_line = |id| {
            let back = Target::of(request, self.ways.own_hosts());
            HeaderValue::try_from(self.ways.to_the_line(id, back.as_ref())).ok()
        };
        let redirect = concert.filter(|_| is_browser(request));
        if let Some(location) = redirect.and_then(to_the_line) {
            let mut response = Response::new(B::from(String::new()));
            *response.status_mut() = StatusCode::SEE_OTHER;
            response.headers_mut().insert(header::LOCATION, location);
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, NO_STORE);
            return response;
        }
        let page = concert.map(|id| self.ways.waiting_page(id));
        let data = page.as_deref().map(|waiting_page| Data { waiting_page });
        failure(request, Code::QueueTokenRequired, data)
    }
}

/// Answers 503: the gate cannot tell who was admitted.
pub(crate) fn down<B: From<String>>(request: &Parts) -> Response<B> {
    let mut response = failure(request, Code::WaitingRoomDown, None);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, RETRY_AFTER.into());
    response
}

fn failure<B: From<String>>(request: &Parts, code: Code, data: Option<Data<'_>>) -> Response<B> {
    let body = Failure {
        message: code.text().in_language(language(request)),
        code: code.word(),
        status: code.status(),
        data,
    };
    let body = serde_json::to_string(&body).expect("texts and a number are JSON");
    let mut response = Response::new(B::from(body));
    let status = StatusCode::from_u16(code.status());
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    response
}

/// Returns the language chosen by the server in front, or the one that the request asks for.
fn language(request: &Parts) -> Language {
    let settled = request.extensions.get::<Language>().copied();
    let asked = || {
        let header = request.headers.get(header::ACCEPT_LANGUAGE)?;
        Language::asked_for(header.to_str().ok()?)
    };
    settled.or_else(asked).unwrap_or_default()
}

fn is_browser(request: &Parts) -> bool {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let mut accepts = request.headers.get_all(header::ACCEPT).iter();
    reads
        && accepts.any(|accept| {
            accept
                .to_str()
                .is_ok_and(|it| it.to_ascii_lowercase().contains("text/html"))
        })
}
