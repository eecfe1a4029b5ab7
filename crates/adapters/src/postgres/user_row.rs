//! A user as read from a row.

use domain::User;
use domain::ports::RepositoryError;
use uuid::Uuid;

use crate::sql_rows::StoredUser;

/// What [`row!`] selects.
pub(super) type Row = (Uuid, String, String, i64, bool, bool);

/// The columns of a [`Row`].
macro_rules! row {
    () => {
        (
            users::id,
            users::email,
            users::password_hash,
            users::code_number,
            users::code_expires_at.is_not_null(),
            users::activated_at.is_not_null(),
        )
    };
}
pub(super) use row;

/// The user of a row.
pub(super) fn read_user(row: Row) -> Result<User, RepositoryError> {
    let (id, email, password_hash, code_number, code_mailed, active) = row;
    StoredUser { id, email, password_hash, code_number, code_mailed, active }.try_into()
}
