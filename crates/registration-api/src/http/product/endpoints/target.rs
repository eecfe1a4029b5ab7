//! The path and the query of a request.

use actix_web::HttpRequest;
use domain::UserId;
use uuid::Uuid;

use crate::http::json_body::Fields;
use crate::http::problem::Problem;
use crate::http::texts::FieldText;

/// The user in the path of a request that has no query.
pub(super) fn read_user_id(request: &HttpRequest) -> Result<UserId, Problem> {
    let mut fields = Fields::of_query(request.query_string());
    fields.refuse_others(&[]);
    let text = request.match_info().get("id").unwrap_or_default();
    match Uuid::try_parse(text) {
        Ok(id) if fields.are_valid() => Ok(UserId::from_uuid(id)),
        Ok(_) => Err(fields.into_target_problem()),
        Err(_) => {
            fields.add_error("/id", "id-malformed", FieldText::NotAUuid);
            Err(fields.into_target_problem())
        }
    }
}

/// Refuses a query where there is none.
pub(super) fn refuse_query(request: &HttpRequest) -> Result<(), Problem> {
    let mut fields = Fields::of_query(request.query_string());
    fields.refuse_others(&[]);
    if fields.are_valid() { Ok(()) } else { Err(fields.into_target_problem()) }
}
