//! The proof of work in a registration, if the service asks for one: Base64 of JSON, as ALTCHA's
//! widgets send it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::ports::IdSource;
use domain::{Challenge, CodeKeys, Solution, SolutionError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json_body::Fields;
use super::texts::FieldText;

/// The only algorithm that is offered.
const ALGORITHM: &str = "SHA-256";

/// The field of a registration.
const POINTER: &str = "/proof_of_work";

/// How much work a registration takes.
#[derive(Debug, Clone, Copy)]
pub struct ProofOfWorkOptions {
    /// The solution is a number below this.
    pub difficulty: NonZeroU32,
    /// How long a challenge can be used.
    pub expiry: Duration,
}

/// Issues challenges and reads solutions.
pub(crate) struct ProofOfWork {
    pub(crate) options: ProofOfWorkOptions,
    pub(crate) keys: Arc<CodeKeys>,
    pub(crate) ids: Arc<dyn IdSource>,
}

/// A challenge, in the format of ALTCHA (version 1).
#[derive(Serialize, ToSchema)]
#[schema(as = Challenge)]
pub(crate) struct ChallengeDocument {
    /// The hash function.
    #[schema(examples("SHA-256"))]
    algorithm: &'static str,
    /// The digest that the solution has: of the salt, followed by the number in decimal digits. In
    /// hexadecimal.
    #[schema(examples("a6c1e9b04c6d9d5f26a2ed9a6bd0b2f8f24a8b7a1f3f0d8ad4d1ac3c41d2e8f5"))]
    challenge: String,
    /// The number is at most this.
    #[schema(examples(50000))]
    maxnumber: u32,
    /// What the number is hashed with.
    #[schema(examples("01890a5d-ac96-774b-bcce-b302099a8057?expires=1767225600&"))]
    salt: String,
    /// To be sent back unchanged.
    #[schema(examples("0d9c3b7aa1f25e8846b7d0c3925e1f7a88d46c0b3fe1975a2dc6084be3f1a975"))]
    signature: String,
}

/// What a client sends, within Base64.
#[derive(Deserialize)]
struct Payload {
    algorithm: String,
    challenge: String,
    number: u64,
    salt: String,
    signature: String,
}

impl ProofOfWork {
    /// A new challenge.
    pub(crate) fn issue(&self) -> ChallengeDocument {
        let id = self.ids.next_id();
        let expires_at = unix_time(id).saturating_add(self.options.expiry.as_secs());
        let difficulty = self.options.difficulty;
        let challenge = Challenge::issue(&self.keys, id, expires_at, difficulty);
        ChallengeDocument {
            algorithm: ALGORITHM,
            challenge: challenge.digest,
            maxnumber: difficulty.get(),
            salt: challenge.salt,
            signature: challenge.signature,
        }
    }

    /// Takes the solution out of a registration.
    pub(crate) fn take_solution(&self, fields: &mut Fields) -> Option<Solution> {
        let text = fields.take_string(POINTER)?;
        let now = unix_time(self.ids.next_id());
        let verified = decode(&text).ok_or(SolutionError::Wrong).and_then(|solution| {
            solution.verify(&self.keys, now)?;
            Ok(solution)
        });
        match verified {
            Ok(solution) => Some(solution),
            Err(error) => {
                let code = match error {
                    SolutionError::Wrong => "proof-of-work-wrong",
                    SolutionError::Expired => "proof-of-work-expired",
                };
                fields.add_error(POINTER, code, FieldText::Solution(error));
                None
            }
        }
    }
}

fn decode(text: &str) -> Option<Solution> {
    let json = BASE64_STANDARD.decode(text).ok()?;
    let payload: Payload = serde_json::from_slice(&json).ok()?;
    let Payload { algorithm, challenge: digest, number, salt, signature } = payload;
    let challenge = Challenge { salt, digest, signature };
    (algorithm == ALGORITHM).then_some(Solution { challenge, number })
}

/// Identifiers carry the time (RFC 9562 section 5.7), so that no other clock is needed.
fn unix_time(id: uuid::Uuid) -> u64 {
    id.get_timestamp().map_or(0, |timestamp| timestamp.to_unix().0)
}
