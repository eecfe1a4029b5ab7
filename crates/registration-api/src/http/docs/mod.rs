//! `GET /docs`: the API documentation to read and try out, with Swagger UI, and the list of
//! problems.
//!
//! Everything is served by this process: the pages work offline and load nothing from elsewhere.
//! Their links are relative, so that they also work behind a proxy that adds a path.

use std::fmt::Write;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use actix_web::web::Path;
use utoipa_swagger_ui::Config;

use super::problem::Problem;
use super::problem_kind::ProblemKind;
use super::texts::Language;

const PAGE: &str = include_str!("page.html");
const PROBLEMS_HEAD: &str = include_str!("problems.html");
const ICON: &str = include_str!("icon.svg");
const CREDENTIALS_SCRIPT: &str = include_str!("utf8-credentials.js");
const START_SCRIPT: &str = include_str!("start.js");
const STYLE: &str =
    concat!(include_str!("../../../../../assets/pages.css"), include_str!("style.css"));

/// Swagger UI sets style attributes and draws icons from data URLs; scripts come from here only.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

pub(crate) async fn page() -> HttpResponse {
    html(PAGE)
}

/// Lists the problems; the `type` of each problem document links here.
pub(crate) async fn problems() -> HttpResponse {
    let mut page = String::from(PROBLEMS_HEAD);
    for kind in ProblemKind::ALL {
        let (code, status, title) =
            (kind.code(), kind.status().as_u16(), kind.title(Language::English));
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "<section id=\"{code}\"><h2><a href=\"#{code}\">{title}</a><span class=\"status\">{status}</span></h2>\
             <code>{code}</code><p>{}</p></section>",
            mark_code(kind.meaning(Language::English))
        );
    }
    page.push_str("</main>\n</body>\n</html>\n");
    html(&page)
}

/// Turns text between backquotes into `code` elements, as Markdown does.
fn mark_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(n, part)| if n % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
        .collect()
}

/// The files that the pages load.
pub(crate) async fn asset(name: Path<String>) -> Result<HttpResponse, Problem> {
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "public, max-age=3600"));
    match name.as_str() {
        "utf8-credentials.js" => {
            Ok(response.content_type("text/javascript; charset=utf-8").body(CREDENTIALS_SCRIPT))
        }
        "start.js" => {
            Ok(response.content_type("text/javascript; charset=utf-8").body(START_SCRIPT))
        }
        "style.css" => Ok(response.content_type("text/css; charset=utf-8").body(STYLE)),
        "icon.svg" => Ok(response.content_type("image/svg+xml").body(ICON)),
        "swagger-ui.css" | "swagger-ui-bundle.js" => {
            let file = utoipa_swagger_ui::serve(&name, Arc::new(Config::default())).ok().flatten();
            let file = file.ok_or_else(|| Problem::new(ProblemKind::NotFound))?;
            Ok(response.content_type(file.content_type).body(file.bytes.into_owned()))
        }
        _ => Err(Problem::new(ProblemKind::NotFound)),
    }
}

fn html(page: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(page.to_owned())
}
