//! `GET /`: the page where people sign up, if `signup.enabled`.
//!
//! It speaks the public API and nothing else, and all of it comes from this process: no build step,
//! no third party, nothing inline. The first answer is in the reader's language already, so that
//! nothing moves or changes once the script runs.

mod document;
mod language;
mod return_url;
#[cfg(test)]
mod tests;

use actix_web::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, HeaderName, VARY};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use url::form_urlencoded;

pub use self::document::SignupOptions;
pub(crate) use self::document::SignupPage;
use self::language::Language;
pub use self::return_url::{ReturnUrlError, ReturnUrls};
use super::accept_language::wanted_languages;
use super::port_errors::answer_internal_error;
use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::redirect::redirect;
use super::state::AppState;

const ICON: &str = include_str!("../docs/icon.svg");
const STYLE: &str =
    concat!(include_str!("../../../../../assets/pages.css"), include_str!("page/style.css"));

/// Only the page's own files and the API. No form is ever sent by the browser itself: without the
/// script, a password would end up elsewhere than in the API.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// What the page loads: name, type, content.
const ASSETS: [(&str, &str, &str); 8] = [
    ("app.js", JAVASCRIPT, include_str!("page/app.js")),
    ("api.js", JAVASCRIPT, include_str!("page/api.js")),
    ("proof.js", JAVASCRIPT, include_str!("page/proof.js")),
    ("countdown.js", JAVASCRIPT, include_str!("page/countdown.js")),
    ("texts.js", JAVASCRIPT, include_str!("page/texts.js")),
    ("languages.js", JAVASCRIPT, language::SCRIPT),
    ("style.css", "text/css; charset=utf-8", STYLE),
    ("icon.svg", "image/svg+xml", ICON),
];

/// The page, or else the documentation of the API.
pub(crate) async fn page(request: HttpRequest, state: Data<AppState>) -> HttpResponse {
    let Some(page) = &state.signup_page else { return redirect("docs") };
    let parameter = |name: &str| {
        form_urlencoded::parse(request.query_string().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let language = parameter("lang").and_then(|code| Language::find(&code));
    let language = language.unwrap_or_else(|| Language::of(&wanted_languages(&request)));
    match page.render(language, parameter("return_url").as_deref()) {
        Ok(html) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
            .insert_header((CONTENT_LANGUAGE, language.code))
            .insert_header((VARY, "Accept-Language"))
            .body(html),
        Err(error) => answer_internal_error(&error).error_response(),
    }
}

/// The files that the page loads.
pub(crate) async fn asset(
    name: Path<String>,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let file = ASSETS.iter().find(|(file, _, _)| state.signup_page.is_some() && *file == *name);
    let (_, content_type, content) = file.ok_or_else(|| Problem::new(ProblemKind::NotFound))?;
    Ok(HttpResponse::Ok().content_type(*content_type).body(*content))
}
