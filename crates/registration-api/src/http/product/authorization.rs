//! Lets nobody but the product pass.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use super::state::ProductState;
use crate::http::problem::Problem;

/// Middleware: lets requests with the product's token pass.
pub(super) async fn require_token<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let presented = read_token(request.headers());
    let state = request.app_data::<Data<ProductState>>();
    if let (Some(presented), Some(state)) = (presented, state)
        && state.token.matches(presented)
    {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let is_presented = request.headers().contains_key(AUTHORIZATION);
    tracing::warn!(
        event = "product.token_refused",
        is_presented,
        "a request without the product's token"
    );
    let problem = Problem::token_refused(is_presented).error_response();
    Ok(request.into_response(problem).map_into_right_body())
}

/// The token of the one `Authorization` header, whose scheme is `Bearer`, in any case.
fn read_token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().filter(|_| values.next().is_none())?.as_bytes();
    let (scheme, rest) = value.split_at_checked(b"Bearer".len())?;
    let token = rest.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(b"Bearer") && token.len() < rest.len()).then_some(token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::http::product::token::ProductToken;

    const TOKEN: &str = "0123456789abcdef0123456789ABCDEF";

    fn read(value: &[u8]) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).ok()?);
        read_token(&headers).map(<[u8]>::to_vec)
    }

    #[test]
    fn rfc_6750_a_bearer_header_has_one_token() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(read(value.as_bytes()), Some(b"abc".to_vec()), "{value}");
        }
        for value in ["", "Bearer", "Bearerabc", "Basic abc", "abc"] {
            assert_eq!(read(value.as_bytes()), None, "{value}");
        }
        let mut headers = HeaderMap::new();
        for _ in 0..2 {
            headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        }
        assert_eq!(read_token(&headers), None);
    }

    proptest! {
        // At least 2,000 cases; `PROPTEST_CASES` asks for more.
        #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2_000)))]

        #[test]
        fn fuzz_no_bearer_header_makes_it_panic_or_match(
            value in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let token = ProductToken::new(TOKEN.into()).unwrap();
            for value in [value.clone(), [b"Bearer ", &value[..]].concat()] {
                prop_assert!(!read(&value).is_some_and(|read| token.matches(&read)));
            }
        }
    }
}
