//! How users and events are stored in SQL, and how rows become domain values again.
//!
//! What was accepted once is not checked again by today's rules: a stricter version must not lose
//! users or events that an earlier one stored.

use std::time::SystemTime;

use domain::ports::{RepositoryError, Suppression};
use domain::{
    Account, AccountRecord, EmailAddress, Event, EventId, Languages, PasswordHash, TraceParent,
    User, UserEvent, UserEventError, UserId, UserStatus,
};
use uuid::Uuid;

/// A user as read from a row: what [`user_row!`] selects. Each database has its form of
/// identifiers.
pub(crate) type UserRow<Id> = (Id, String, String, i64, bool, bool, Option<String>, i64);

/// The columns of a [`UserRow`], of the table `users` of the database that asks.
macro_rules! user_row {
    () => {
        (
            users::id,
            users::email,
            users::password_hash,
            users::code_number,
            users::code_expires_at.is_not_null(),
            users::activated_at.is_not_null(),
            users::languages,
            users::guesses_renewed,
        )
    };
}
pub(crate) use user_row;

/// An event as read from and written to a row.
pub(crate) struct StoredEvent {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) user_id: Uuid,
    pub(crate) code_number: Option<i64>,
    pub(crate) traceparent: String,
}

/// A row that breaks the rules of the domain. Names the row, never its content.
#[derive(Debug, thiserror::Error)]
#[error("{table} row {id} has an invalid {column}")]
pub(crate) struct DamagedRow {
    table: &'static str,
    id: Uuid,
    column: &'static str,
}

/// The user of a row.
pub(crate) fn read_user(row: UserRow<impl Into<Uuid>>) -> Result<User, RepositoryError> {
    let (id, email, password_hash, code_number, code_mailed, active, languages, guesses_renewed) =
        row;
    let id = id.into();
    let damaged =
        |column| RepositoryError::Damaged(DamagedRow { table: "users", id, column }.into());
    let status = if active { UserStatus::Active } else { UserStatus::Pending { code_mailed } };
    let user = User::restore(
        UserId::from_uuid(id),
        EmailAddress::from_stored(email),
        PasswordHash::from_phc(password_hash),
        u32::try_from(code_number).map_err(|_| damaged("code_number"))?,
        status,
    );
    let times = u32::try_from(guesses_renewed).map_err(|_| damaged("guesses_renewed"))?;
    let languages = Languages::from_stored(&languages.unwrap_or_default());
    Ok(user.with_languages(languages).with_guesses_renewed(times))
}

/// The user's languages; null if nothing is known, as in the rows of versions without the column.
pub(crate) fn stored_languages(user: &User) -> Option<String> {
    Some(user.languages()).filter(|languages| !languages.is_empty()).map(ToString::to_string)
}

/// An account as read from a row: identifier, address and activation. Each database has its form of
/// times, too.
pub(crate) type AccountRow<Id, Time> = (Id, String, Option<Time>);

/// The account of a row.
pub(crate) fn read_account<Time>(
    (id, email, activated_at): AccountRow<impl Into<Uuid>, Time>,
    to_system_time: fn(Time) -> SystemTime,
) -> Account {
    Account {
        user_id: UserId::from_uuid(id.into()),
        email: EmailAddress::from_stored(email),
        activated_at: activated_at.map(to_system_time),
    }
}

/// An [`AccountRecord`] as read from a row: account, number of the code, code requested, code
/// expires, repetition noted.
pub(crate) type RecordRow<Id, Time> = (AccountRow<Id, Time>, i64, Time, Option<Time>, Option<Time>);

/// The record of a row.
pub(crate) fn read_record<Time>(
    row: RecordRow<impl Into<Uuid>, Time>,
    to_system_time: fn(Time) -> SystemTime,
) -> Result<AccountRecord, RepositoryError> {
    let (account, code_number, requested_at, expires_at, noted_at) = row;
    let account = read_account(account, to_system_time);
    let id = *account.user_id.as_uuid();
    let codes_requested = u32::try_from(code_number).map_err(|_| {
        RepositoryError::Damaged(DamagedRow { table: "users", id, column: "code_number" }.into())
    })?;
    Ok(AccountRecord {
        account,
        codes_requested,
        code_requested_at: to_system_time(requested_at),
        code_expires_at: expires_at.map(to_system_time),
        repetition_noted_at: noted_at.map(to_system_time),
    })
}

/// The suppression of a row.
pub(crate) fn read_suppression<Time>(
    (email, since): (String, Time),
    to_system_time: fn(Time) -> SystemTime,
) -> Suppression {
    Suppression { email: EmailAddress::from_stored(email), since: to_system_time(since) }
}

impl From<&Event> for StoredEvent {
    fn from(event: &Event) -> Self {
        Self {
            id: *event.id.as_uuid(),
            kind: event.kind.type_name().to_owned(),
            user_id: *event.kind.user_id().as_uuid(),
            code_number: event.kind.issue().map(|issue| issue.number.into()),
            traceparent: event.trace.to_string(),
        }
    }
}

impl TryFrom<StoredEvent> for Event {
    type Error = DamagedRow;

    fn try_from(row: StoredEvent) -> Result<Self, DamagedRow> {
        let damaged = |column| DamagedRow { table: "outbox", id: row.id, column };
        let user_id = UserId::from_uuid(row.user_id);
        let code_number = row.code_number.and_then(|number| u32::try_from(number).ok());
        let kind = UserEvent::from_parts(&row.kind, user_id, code_number).map_err(|error| {
            damaged(match error {
                UserEventError::UnknownType(_) => "type",
                UserEventError::NoIssueNumber(_) => "code_number",
            })
        })?;
        // A trace is worth less than its event.
        let trace = row.traceparent.parse().unwrap_or_else(|_| TraceParent::start(row.id));
        Ok(Self { id: EventId::from_uuid(row.id), trace, kind })
    }
}

#[cfg(test)]
mod tests {
    use domain::CodeIssue;

    use super::*;

    fn events() -> Vec<Event> {
        let user_id = UserId::from_uuid(Uuid::from_u128(7));
        let issue = CodeIssue { user_id, number: u32::MAX };
        [
            UserEvent::UserRegistered { issue },
            UserEvent::CodeRequested { issue },
            UserEvent::UserActivated { user_id },
            UserEvent::RegistrationRepeated { user_id },
            UserEvent::UserDeleted { user_id },
        ]
        .map(|kind| Event {
            id: EventId::from_uuid(Uuid::from_u128(9)),
            trace: TraceParent::start(Uuid::from_u128(11)),
            kind,
        })
        .to_vec()
    }

    #[test]
    fn every_event_survives_the_store() {
        for event in events() {
            assert_eq!(Event::try_from(StoredEvent::from(&event)).unwrap(), event);
        }
    }

    #[test]
    fn a_damaged_row_is_named_and_its_content_is_not() {
        let id = Uuid::from_u128(7);
        let row = (id, "secret.example".into(), String::new(), -1, false, false, None, 0);
        let user = read_user(row);
        let Err(RepositoryError::Damaged(source)) = user else { panic!("the row was accepted") };
        assert_eq!(
            source.to_string(),
            "users row 00000000-0000-0000-0000-000000000007 has an invalid code_number"
        );
        let mut event = StoredEvent::from(&events()[0]);
        event.code_number = None;
        assert!(Event::try_from(event).is_err());
    }

    #[test]
    fn what_an_earlier_version_accepted_is_read() {
        let refused = "a@127.0.0.1";
        EmailAddress::parse(refused).unwrap_err();
        let id = Uuid::from_u128(7);
        let row = (id, refused.into(), String::new(), 1, false, true, None, 0);
        let user = read_user(row).unwrap();
        assert_eq!(user.email().as_str(), refused);

        let mut event = StoredEvent::from(&events()[0]);
        event.traceparent = "of another form".into();
        assert_eq!(Event::try_from(event).unwrap().kind, events()[0].kind);
    }
}
