//! Refuses requests whose `Host` is not the name of a host: 400 (RFC 9112 section 3.2).

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use super::problem::Problem;
use super::problem_kind::ProblemKind;

/// Middleware: lets requests with a valid `Host` pass. Whether there must be one is the HTTP
/// library's business.
pub(crate) async fn require_valid_host<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.headers().get_all(HOST).all(is_valid) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let problem = Problem::new(ProblemKind::BadRequest).error_response();
    Ok(request.into_response(problem).map_into_right_body())
}

/// Empty where the target of the request has no authority.
fn is_valid(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    host.is_empty() || (!host.contains('@') && host.parse::<Authority>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9112_a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in
            ["localhost", "example.com:8000", "127.0.0.1", "[::1]:8000", "xn--exmple-cua.com", ""]
        {
            assert!(is_valid(&HeaderValue::from_str(host).unwrap()), "{host}");
        }
        for host in ["a b", "user@example.com", "example.com/path", "exämple.com", "[::1", "a\tb"]
        {
            assert!(!is_valid(&HeaderValue::from_str(host).unwrap()), "{host}");
        }
    }
}
