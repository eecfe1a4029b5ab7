//! The OpenAPI 3.1 document of the product's listener, generated from its endpoints.

use serde_json::json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::endpoints::{document_endpoints, user_endpoints};
use crate::http::openapi::complete;
use crate::http::problem::{FieldErrorDocument, ProblemDocument};
use crate::http::problem_kind::ProblemKind;
use crate::http::public_url::PublicUrl;
use crate::http::texts::Language;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Registration, for the product",
        description = "What the product behind the sign-up may ask: who has an account, whether a password is right, \
                       and to delete an account. For a trusted caller with a token; never for browsers. \
                       Errors are problem documents (RFC 9457): see [the list](../docs/problems). Unknown fields and \
                       parameters are refused.",
        contact(name = "Whoever runs this service")
    ),
    servers((url = "..", description = "The server that this document comes from, relative to it")),
    components(schemas(ProblemDocument, FieldErrorDocument)),
    tags(
        (name = "users", description = "The accounts, and the registrations that are to become accounts"),
        (name = "meta", description = "The description of the API")
    ),
    modifiers(&BearerScheme)
)]
struct Description;

/// The document in JSON, with links to where problems are explained.
pub fn document(public_url: &PublicUrl) -> String {
    let mut openapi = Description::openapi();
    for endpoint in user_endpoints().into_iter().chain(document_endpoints()) {
        openapi.merge(endpoint.description);
    }
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    // `json_body` reads the request, so that no `Deserialize` says it.
    let request = &mut document["components"]["schemas"]["VerifyPasswordRequest"];
    request["additionalProperties"] = false.into();
    request["properties"]["client"]["anyOf"] = json!([{"format": "ipv4"}, {"format": "ipv6"}]);
    request["properties"]["client"]["type"] = "string".into();
    let (example, problem) =
        (ProblemKind::UserNotFound, &mut document["components"]["schemas"]["Problem"]);
    for (name, value) in [
        ("type", json!(example.type_uri(&PublicUrl::default()))),
        ("title", json!(example.title(Language::English))),
        ("status", json!(example.status().as_u16())),
        ("code", json!(example.code())),
    ] {
        problem["properties"][name]["examples"][0] = value;
    }
    complete(document, ProblemKind::of_product(), public_url)
}

struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("The token in `product.token` (RFC 6750).".into());
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}
