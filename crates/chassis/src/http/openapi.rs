//! The OpenAPI document and its page.

use axum::{
    Router,
    http::StatusCode,
    middleware::map_response,
    response::{IntoResponse, Response},
};
use sunbeon_domain::Code;
use utoipa::{
    PartialSchema,
    openapi::{
        Components, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_swagger_ui::SwaggerUi;

use crate::{ApiError, Failure};

/// What routes of members and admins name in `security(("accessToken" = []))`.
const ACCESS_TOKEN: &str = "accessToken";
const FAILURE: &str = "Failure";

/// `/openapi.json` and `/docs`, which loads nothing from elsewhere.
pub(super) fn router(document: OpenApi) -> Router {
    let page: Router = SwaggerUi::new("/docs")
        .url("/openapi.json", document)
        .into();
    page.layer(map_response(in_the_envelope))
}

async fn in_the_envelope(response: Response) -> Response {
    if response.status() == StatusCode::NOT_FOUND {
        return ApiError::from(Code::NotFound).into_response();
    }
    response
}

/// Adds what all services share: the name, the access token, and the failure envelope as every
/// operation's default response.
pub(super) fn completed(mut document: OpenApi, name: &str) -> OpenApi {
    document.info.title = format!("Sunbeon {name}");
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.license = None;
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme(ACCESS_TOKEN, SecurityScheme::Http(bearer));
    components
        .schemas
        .insert(FAILURE.to_owned(), Failure::schema());
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(FAILURE)))
        .build();
    let failure = ResponseBuilder::new()
        .description("A failure: its code says which, its message is for people.")
        .content("application/json", content)
        .build();
    components
        .responses
        .insert(FAILURE.to_owned(), failure.into());
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        let failure = RefOr::Ref(Ref::from_response_name(FAILURE));
        responses.entry("default".to_owned()).or_insert(failure);
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}
