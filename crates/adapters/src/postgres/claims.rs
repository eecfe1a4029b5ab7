//! Addresses that are claimed at the same time are claimed by one statement.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use domain::User;
use futures::FutureExt;
use uuid::Uuid;

use super::database::{Database, Failure};
use super::gathering::{BRIEFLY, Gathering, Pace};
use super::with_events::WithEvents;
use crate::hand_over::Recording;
use crate::sql_rows::stored_languages;

/// Two, since one may wait for an address that another process is about to claim.
const CLAIMING: Pace = Pace { at_once: 2, pause: BRIEFLY };

/// Claims addresses, and says of each whether it was free.
pub(super) type ClaimAddresses = Gathering<Claim, bool>;

/// A user who claims an address, and the events of that.
pub(super) struct Claim {
    id: Uuid,
    email: String,
    email_key: String,
    password_hash: String,
    code_number: i64,
    languages: Option<String>,
    recording: Recording,
}

impl Claim {
    pub(super) fn new(user: &User, recording: Recording) -> Self {
        Self {
            id: *user.id().as_uuid(),
            email: user.email().as_str().to_owned(),
            email_key: user.email().lookup_key(),
            password_hash: user.password_hash().as_phc().to_owned(),
            code_number: user.issue().number.into(),
            languages: stored_languages(user),
            recording,
        }
    }
}

pub(super) fn claim_addresses(database: Database) -> Arc<ClaimAddresses> {
    Gathering::new(CLAIMING, move |claims| claim_all(database.clone(), claims).boxed())
}

async fn claim_all(database: Database, claims: Vec<Claim>) -> Result<Vec<bool>, Failure> {
    let ids: Vec<Uuid> = claims.iter().map(|claim| claim.id).collect();
    let (statement, recordings) = ClaimStatement::new(claims);
    let for_webhook = recordings.values().any(|events| events.for_webhook().next().is_some());
    let claimed = if for_webhook {
        execute::<true>(&database, statement, recordings).await?
    } else {
        execute::<false>(&database, statement, recordings).await?
    };
    let claimed: HashSet<Uuid> = claimed.into_iter().collect();
    Ok(ids.iter().map(|id| claimed.contains(id)).collect())
}

/// Returns who got their address; see [`WithEvents`] for `WEBHOOK`.
async fn execute<const WEBHOOK: bool>(
    database: &Database,
    statement: ClaimStatement,
    recordings: BTreeMap<Uuid, Recording>,
) -> Result<Vec<Uuid>, Failure> {
    let statement = WithEvents::<_, WEBHOOK>::new(statement, &recordings);
    database.run_then(|connection| statement.load(connection).boxed(), hand_over(recordings)).await
}

/// Hands over the events of those who got their address.
fn hand_over(mut recordings: BTreeMap<Uuid, Recording>) -> impl FnOnce(&Vec<Uuid>) {
    move |claimed| {
        claimed.iter().filter_map(|id| recordings.remove(id)).for_each(Recording::committed);
    }
}

/// Inserts users, each unless its address is taken; replaces an unverified one whose code has
/// expired.
#[derive(Default, QueryId)]
struct ClaimStatement {
    ids: Vec<Uuid>,
    emails: Vec<String>,
    email_keys: Vec<String>,
    password_hashes: Vec<String>,
    code_numbers: Vec<i64>,
    languages: Vec<Option<String>>,
}

impl ClaimStatement {
    /// The rows are locked in one order. Of those who claim the same address the first one may get
    /// it, as if the others had come after it.
    fn new(claims: Vec<Claim>) -> (Self, BTreeMap<Uuid, Recording>) {
        let mut first = BTreeMap::new();
        for claim in claims {
            first.entry(claim.email_key.clone()).or_insert(claim);
        }
        let (mut rows, mut recordings) = (Self::default(), BTreeMap::new());
        for claim in first.into_values() {
            rows.ids.push(claim.id);
            rows.emails.push(claim.email);
            rows.email_keys.push(claim.email_key);
            rows.password_hashes.push(claim.password_hash);
            rows.code_numbers.push(claim.code_number);
            rows.languages.push(claim.languages);
            recordings.insert(claim.id, claim.recording);
        }
        (rows, recordings)
    }
}

impl QueryFragment<Pg> for ClaimStatement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO users (id, email, email_key, password_hash, code_number, languages)
            SELECT * FROM unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        for texts in [&self.emails, &self.email_keys, &self.password_hashes] {
            out.push_sql(", ");
            out.push_bind_param::<Array<Text>, _>(texts)?;
        }
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.code_numbers)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.languages)?;
        out.push_sql(
            ") ON CONFLICT ON CONSTRAINT users_email_key DO UPDATE SET
                id = excluded.id, email = excluded.email,
                password_hash = excluded.password_hash, code_number = excluded.code_number,
                code_expires_at = NULL, repetition_noted_at = NULL,
                code_requested_at = clock_timestamp(), languages = excluded.languages
            WHERE users.activated_at IS NULL AND users.code_expires_at <= clock_timestamp()",
        );
        Ok(())
    }
}
