//! How an account is printed.

use domain::ports::Suppression;
use domain::{Account, AccountRecord, Languages};
use serde::Serialize;
use serde_json::json;

use crate::printing::{printable, rfc3339};

/// The names are part of the interface: those of the product's listener.
#[derive(Serialize)]
struct Json<'a> {
    user_id: String,
    email: &'a str,
    is_active: bool,
    registered_at: Option<String>,
    activated_at: Option<String>,
}

impl<'a> From<&'a Account> for Json<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            user_id: account.user_id.to_string(),
            email: account.email.as_str(),
            is_active: account.is_active(),
            registered_at: account.registered_at().and_then(rfc3339),
            activated_at: account.activated_at.and_then(rfc3339),
        }
    }
}

/// For programs, with a line end.
pub(super) fn as_json(account: &Account) -> String {
    format!("{}\n", json!(Json::from(account)))
}

/// What matters most, separated by tabs.
pub(super) fn as_line(account: &Account) -> String {
    let Json { user_id, registered_at, activated_at, .. } = account.into();
    let (email, state) = (printable(account.email.as_str()), state(account));
    let (registered, activated) = (or_dash(registered_at), or_dash(activated_at));
    format!("{user_id}\t{email}\t{state}\t{registered}\t{activated}\n")
}

/// The same, for people.
pub(super) fn as_page(account: &Account) -> String {
    let Json { user_id, registered_at, activated_at, .. } = account.into();
    format!(
        "id:          {user_id}\naddress:     {}\nstate:       {}\nregistered:  {}\nactivated:   {}\n",
        printable(account.email.as_str()),
        state(account),
        or_dash(registered_at),
        or_dash(activated_at),
    )
}

/// All that is stored, for the person whose account it is.
pub(super) fn as_export(
    record: &AccountRecord,
    languages: &Languages,
    suppression: Option<&Suppression>,
) -> String {
    let mut export = json!(Json::from(&record.account));
    export["languages"] = languages.to_string().into();
    export["codes_requested"] = record.codes_requested.into();
    let times = [
        ("code_requested_at", Some(record.code_requested_at)),
        ("code_expires_at", record.code_expires_at),
        ("repetition_noted_at", record.repetition_noted_at),
        ("mails_suppressed_since", suppression.map(|suppression| suppression.since)),
    ];
    for (name, time) in times {
        export[name] = time.and_then(rfc3339).into();
    }
    format!("{export:#}\n")
}

fn state(account: &Account) -> &'static str {
    if account.is_active() { "active" } else { "pending" }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use domain::{EmailAddress, UserId};
    use serde_json::Value;

    use super::*;

    fn account(activated_at: Option<SystemTime>) -> Account {
        Account {
            user_id: UserId::from_uuid("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
            email: EmailAddress::from_stored("ada\u{1b}@example.com".into()),
            activated_at,
        }
    }

    #[test]
    fn an_account_is_one_line_and_nothing_that_a_terminal_obeys() {
        let pending = "01890a5d-ac96-774b-bcce-b302099a8057\tada\\u{1b}@example.com\tpending\t\
                       2023-06-30T03:34:18.518Z\t-\n";
        assert_eq!(as_line(&account(None)), pending);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let page = as_page(&account(Some(time)));
        assert!(page.contains("state:       active\n"), "{page}");
        assert!(page.contains("activated:   1970-01-01T00:00:01.000Z\n"), "{page}");
        assert!(!page.contains('\u{1b}') && !as_json(&account(None)).contains('\u{1b}'));
    }

    #[test]
    fn an_export_has_all_that_is_stored() {
        let time = SystemTime::UNIX_EPOCH;
        let record = AccountRecord {
            account: account(None),
            codes_requested: 2,
            code_requested_at: time,
            code_expires_at: None,
            repetition_noted_at: Some(time),
        };
        let suppression = Suppression { email: record.account.email.clone(), since: time };
        let export: Value = serde_json::from_str(&as_export(
            &record,
            &Languages::from_stored("fr"),
            Some(&suppression),
        ))
        .unwrap();
        for field in ["code_requested_at", "repetition_noted_at", "mails_suppressed_since"] {
            assert_eq!(export[field], "1970-01-01T00:00:00.000Z", "{field}");
        }
        assert_eq!((&export["codes_requested"], &export["is_active"]), (&2.into(), &false.into()));
        assert_eq!(export["code_expires_at"], Value::Null);
        assert_eq!(export["languages"], "fr");
    }
}
