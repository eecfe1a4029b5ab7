//! Proof of work: a client spends time on a puzzle before it may register, in the format of ALTCHA
//! (version 1), so that its widgets and solvers work too.
//!
//! The server has picked a number, and tells a salt and the digest of salt and number: a client
//! tries numbers until the digest is right. Nothing is stored of a challenge until it is solved: it
//! carries its expiry in the salt, and a signature.

use std::num::NonZeroU32;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::code_keys::CodeKeys;

/// Separates these uses of the code key from all others.
const SIGNATURE_CONTEXT: &[u8] = b"registration/proof-of-work/signature/v1";
const NUMBER_CONTEXT: &[u8] = b"registration/proof-of-work/number/v1";

/// A puzzle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Random, and the expiry: `<UUID>?expires=<seconds of Unix time>&`.
    pub salt: String,
    /// SHA-256 of the salt and the number in decimal digits, in hexadecimal.
    pub digest: String,
    /// Shows that the digest is one of ours.
    pub signature: String,
}

/// A challenge, and the number that a client has found for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// The challenge as the client has sent it back.
    pub challenge: Challenge,
    /// The number.
    pub number: u64,
}

/// Why a solution is refused.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum SolutionError {
    /// The challenge is not ours, or the number is wrong.
    #[error("this does not solve a challenge of this service")]
    Wrong,
    /// The challenge has expired.
    #[error("the challenge has expired; ask for another one")]
    Expired,
}

impl Challenge {
    /// Makes a challenge that takes `difficulty / 2` attempts on average. `id` has to be new: the
    /// number follows from it and from the key.
    pub fn issue(keys: &CodeKeys, id: Uuid, expires_at: u64, difficulty: NonZeroU32) -> Self {
        // The `&` ends the number in the salt, where the digits of the solution follow.
        let salt = format!("{id}?expires={expires_at}&");
        let random = keys.sign(NUMBER_CONTEXT, salt.as_bytes());
        let random = random.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let digest = digest(&salt, random % u64::from(difficulty.get()));
        let signature = hex(&keys.sign(SIGNATURE_CONTEXT, digest.as_bytes()));
        Self { salt, digest, signature }
    }
}

impl Solution {
    /// Checks everything but whether the challenge has been used before.
    ///
    /// ```
    /// use std::num::NonZeroU32;
    /// use domain::{Challenge, CodeKey, CodeKeys, Solution, SolutionError};
    /// use uuid::Uuid;
    ///
    /// let key = CodeKey::from_hex("7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12")?;
    /// let keys = CodeKeys::new(key, Vec::new());
    /// let challenge = Challenge::issue(&keys, Uuid::nil(), 1_000, NonZeroU32::MIN);
    /// let solution = Solution { challenge, number: 0 };
    /// assert_eq!(solution.verify(&keys, 999), Ok(()));
    /// assert_eq!(solution.verify(&keys, 1_000), Err(SolutionError::Expired));
    /// # Ok::<(), domain::CodeKeyError>(())
    /// ```
    pub fn verify(&self, keys: &CodeKeys, now: u64) -> Result<(), SolutionError> {
        let Challenge { salt, digest: claimed, signature } = &self.challenge;
        let is_solved: bool = digest(salt, self.number).as_bytes().ct_eq(claimed.as_bytes()).into();
        let is_ours = keys
            .sign_with_each(SIGNATURE_CONTEXT, claimed.as_bytes())
            .any(|ours| hex(&ours).as_bytes().ct_eq(signature.as_bytes()).into());
        let expires_at = salt.strip_suffix('&').and_then(|salt| salt.split_once("?expires="));
        let expires_at = expires_at.and_then(|(_, seconds)| seconds.parse::<u64>().ok());
        match expires_at {
            Some(expires_at) if is_solved && is_ours => {
                if now < expires_at {
                    Ok(())
                } else {
                    Err(SolutionError::Expired)
                }
            }
            _ => Err(SolutionError::Wrong),
        }
    }
}

fn digest(salt: &str, number: u64) -> String {
    hex(&Sha256::digest(format!("{salt}{number}")))
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::CodeKey;
    use proptest::prelude::*;

    const DIFFICULTY: NonZeroU32 = NonZeroU32::new(50).unwrap();

    fn key(last_byte: &str) -> CodeKey {
        let rest = "7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f";
        CodeKey::from_hex(&format!("{rest}{last_byte}")).unwrap()
    }

    fn keys() -> CodeKeys {
        CodeKeys::new(key("12"), Vec::new())
    }

    fn solve(challenge: Challenge) -> Solution {
        let number = (0..50).find(|number| digest(&challenge.salt, *number) == challenge.digest);
        Solution { challenge, number: number.unwrap() }
    }

    fn solved(id: u128) -> Solution {
        solve(Challenge::issue(&keys(), Uuid::from_u128(id), 1_000, DIFFICULTY))
    }

    #[test]
    fn a_solution_is_accepted_until_it_expires() {
        for id in 0..20 {
            assert_eq!(solved(id).verify(&keys(), 999), Ok(()));
            assert_eq!(solved(id).verify(&keys(), 1_000), Err(SolutionError::Expired));
        }
    }

    #[test]
    fn numbers_differ_from_challenge_to_challenge() {
        let numbers: std::collections::BTreeSet<_> = (0..40).map(|id| solved(id).number).collect();
        assert!(numbers.len() > 15, "{numbers:?}");
    }

    #[test]
    fn asvs_2_4_1_whatever_was_changed_is_refused() {
        let right = solved(1);
        let other = solved(2);
        let challenge = right.challenge.clone();
        let change = |challenge: Challenge| Solution { challenge, number: right.number };
        for wrong in [
            Solution { number: right.number + 1, ..right.clone() },
            change(Challenge { signature: other.challenge.signature, ..challenge.clone() }),
            change(Challenge { digest: other.challenge.digest, ..challenge.clone() }),
            change(Challenge { salt: challenge.salt.replace("1000", "9000"), ..challenge.clone() }),
            change(Challenge { salt: String::new(), ..challenge.clone() }),
            change(Challenge { signature: String::new(), ..challenge.clone() }),
        ] {
            assert_eq!(wrong.verify(&keys(), 0), Err(SolutionError::Wrong), "{wrong:?}");
        }
    }

    /// A digit of the solution must not become one of the expiry.
    #[test]
    fn asvs_2_4_1_digits_cannot_move_from_the_number_to_the_expiry() {
        let right = (0..=99).map(solved).find(|solution| solution.number >= 10).unwrap();
        let (first, rest) = (right.number / 10, right.number % 10);
        let salt = format!("{}{first}", right.challenge.salt);
        let moved = Solution { challenge: Challenge { salt, ..right.challenge }, number: rest };
        assert_eq!(moved.verify(&keys(), 0), Err(SolutionError::Wrong));
    }

    #[test]
    fn a_challenge_outlives_a_change_of_the_key() {
        let solution = solved(1);
        let changed = CodeKeys::new(key("13"), vec![key("12")]);
        assert_eq!(solution.verify(&changed, 0), Ok(()));
        let other = CodeKeys::new(key("13"), Vec::new());
        assert_eq!(solution.verify(&other, 0), Err(SolutionError::Wrong));
    }

    proptest! {
        #[test]
        fn fuzz_no_made_up_solution_is_accepted(
            salt in "\\PC{0,20}|[a-f0-9-]{8}\\?expires=[0-9]{0,25}&?",
            number in any::<u64>(),
            signature in "[a-f0-9]{64}|\\PC{0,20}",
            now in any::<u64>(),
        ) {
            let digest = digest(&salt, number);
            let made_up = Solution { challenge: Challenge { salt, digest, signature }, number };
            prop_assert_eq!(made_up.verify(&keys(), now), Err(SolutionError::Wrong));
        }
    }
}
