//! Writes the document of a problem: only here is it known where clients reach the API.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::listener_context::ListenerContext;
use super::problem::Problem;

/// Middleware: gives each answer that is a problem its body.
pub(crate) async fn write_problem<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?;
    let document = write_document(&response);
    Ok(response.map_body(|_, body| document.map_or_else(|| body.boxed(), MessageBody::boxed)))
}

fn write_document<B>(response: &ServiceResponse<B>) -> Option<Vec<u8>> {
    let context = response.request().app_data::<Data<ListenerContext>>()?;
    let extensions = response.response().extensions();
    let document = extensions.get::<Problem>()?.document(&context.public_url);
    serde_json::to_vec(&document).ok()
}
