//! Writes the document of a problem: only here is it known where clients reach the API, and which
//! language they ask for.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::accept_language::wanted_languages;
use super::listener_context::ListenerContext;
use super::problem::Problem;
use super::texts::Language;

/// Middleware: gives each answer that is a problem its body.
pub(crate) async fn write_problem<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut response = next.call(request).await?;
    let Some((document, language)) = write_document(&response) else {
        return Ok(response.map_into_boxed_body());
    };
    language.mark(response.headers_mut());
    Ok(response.map_body(|_, _| document.boxed()))
}

fn write_document<B>(response: &ServiceResponse<B>) -> Option<(Vec<u8>, Language)> {
    let context = response.request().app_data::<Data<ListenerContext>>()?;
    let extensions = response.response().extensions();
    let problem = extensions.get::<Problem>()?;
    let language = Language::of(&wanted_languages(response.request()));
    let document = problem.document(&context.public_url, language);
    Some((serde_json::to_vec(&document).ok()?, language))
}
