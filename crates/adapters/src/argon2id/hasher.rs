//! Argon2id on one thread, in memory that is reused from hash to hash.
//!
//! The content left between hashes can't be turned back into a password more easily than the hash
//! itself, and the next hash overwrites it.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, Version};
use domain::ports::{HashError, Verification};
use domain::{Password, PasswordHash};

use super::memory::Memory;

/// The most memory that a stored hash may ask for, in KiB. A damaged record must not exhaust the
/// machine.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
/// The most iterations that a stored hash may ask for.
const MOST_ITERATIONS: u32 = 64;

/// Hashes and verifies, one password at a time.
pub(super) struct Hasher {
    params: Params,
    /// Compared with the password when there is no such user.
    dummy: phc::PasswordHash,
    memory: Memory,
}

impl Hasher {
    /// A hasher that has not allocated its memory yet.
    pub(super) fn new(params: Params) -> Result<Self, HashError> {
        let mut random = [0; Params::DEFAULT_OUTPUT_LEN];
        getrandom::fill(&mut random).map_err(|_| HashError::Unavailable)?;
        let dummy = build_phc_hash(&params, generate_salt()?, &random)?;
        Ok(Self { params, dummy, memory: Memory::default() })
    }

    /// Hashes a password under a fresh salt.
    pub(super) fn hash(&mut self, password: &Password) -> Result<PasswordHash, HashError> {
        let salt = generate_salt()?;
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        self.compute(&argon2, password, &salt, &mut output)?;
        Ok(PasswordHash::from_phc(build_phc_hash(&self.params, salt, &output)?.to_string()))
    }

    /// Compares a password with a stored hash, or with a dummy that nothing matches.
    pub(super) fn verify(
        &mut self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, HashError> {
        let Some(hash) = hash else {
            self.matches(password, &self.dummy.clone())?;
            return Ok(Verification::Mismatch);
        };
        let hash = phc::PasswordHash::new(hash.as_phc()).map_err(|_| HashError::Damaged)?;
        if self.matches(password, &hash)? {
            Ok(Verification::Match { outdated: self.is_outdated(&hash) })
        } else {
            Ok(Verification::Mismatch)
        }
    }

    fn matches(
        &mut self,
        password: &Password,
        hash: &phc::PasswordHash,
    ) -> Result<bool, HashError> {
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(HashError::Damaged);
        };
        let argon2 = self.argon2_of(hash)?;
        let mut buffer = [0; phc::Output::MAX_LENGTH];
        let output = &mut buffer[..expected.len()];
        self.compute(&argon2, password, salt, output)?;
        // In constant time, as `Output` compares.
        Ok(phc::Output::new(output).is_ok_and(|output| output == *expected))
    }

    /// Argon2 with the parameters of the hash.
    fn argon2_of(&self, hash: &phc::PasswordHash) -> Result<Argon2<'static>, HashError> {
        let algorithm =
            Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| HashError::Damaged)?;
        // PHC strings of the first version of Argon2 have no version field.
        let version = hash
            .version
            .map_or(Ok(Version::V0x10), Version::try_from)
            .map_err(|_| HashError::Damaged)?;
        let params = Params::try_from(hash).map_err(|_| HashError::Damaged)?;
        if params.m_cost() > MOST_MEMORY_KIB.max(self.params.m_cost())
            || params.t_cost() > MOST_ITERATIONS.max(self.params.t_cost())
        {
            return Err(HashError::Damaged);
        }
        Ok(Argon2::new(algorithm, version, params))
    }

    fn is_outdated(&self, hash: &phc::PasswordHash) -> bool {
        hash.algorithm != Algorithm::Argon2id.ident()
            || hash.version != Some(Version::V0x13.into())
            || Params::try_from(hash).as_ref() != Ok(&self.params)
    }

    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Password,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), HashError> {
        let memory = self.memory.blocks(argon2.params().block_count())?;
        argon2
            .hash_password_into_with_memory(password.expose().as_bytes(), salt, output, memory)
            .map_err(|_| HashError::Damaged)
    }

    #[cfg(test)]
    pub(super) fn has_worked(&self) -> bool {
        self.memory.is_allocated()
    }
}

/// 16 random bytes (RFC 9106 section 3.1) from the operating system.
fn generate_salt() -> Result<phc::Salt, HashError> {
    let mut bytes = [0; phc::Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut bytes).map_err(|_| HashError::Unavailable)?;
    phc::Salt::new(&bytes).map_err(|_| HashError::Unavailable)
}

fn build_phc_hash(
    params: &Params,
    salt: phc::Salt,
    output: &[u8],
) -> Result<phc::PasswordHash, HashError> {
    Ok(phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params.try_into().map_err(|_| HashError::Unavailable)?,
        salt: Some(salt),
        hash: Some(phc::Output::new(output).map_err(|_| HashError::Unavailable)?),
    })
}
