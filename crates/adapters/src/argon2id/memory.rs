//! The memory of one hash, on huge pages where the system gives them: a hash touches all of it in
//! no order that the processor could foresee, and with small pages a tenth of its time goes into
//! finding them.

use std::io;

use argon2::Block;
use domain::ports::HashError;
use memmap2::{Advice, MmapMut};

/// What x86-64 and arm64 call huge, unless they are told otherwise.
const HUGE_PAGE: usize = 2 * 1024 * 1024;

/// Kept from hash to hash: memory that is returned to the system has to be cleared and mapped anew,
/// which doubles the time of a hash.
#[derive(Default)]
pub(super) struct Memory {
    mapping: Option<MmapMut>,
    /// Where the first huge page begins.
    start: usize,
}

impl Memory {
    /// `count` blocks, whatever they contain. The system provides the pages as they are touched.
    pub(super) fn blocks(&mut self, count: usize) -> Result<&mut [Block], HashError> {
        let length = count.checked_mul(Block::SIZE).ok_or(HashError::Unavailable)?;
        if self.mapping.as_ref().is_none_or(|mapping| mapping.len() - self.start < length) {
            // Not both at once.
            self.mapping = None;
            let (mapping, start) = map(length).map_err(|_| HashError::Unavailable)?;
            (self.mapping, self.start) = (Some(mapping), start);
        }
        let mapping = self.mapping.as_mut().ok_or(HashError::Unavailable)?;
        Ok(as_blocks(&mut mapping[self.start..self.start + length]))
    }

    #[cfg(test)]
    pub(super) fn is_allocated(&self) -> bool {
        self.mapping.is_some()
    }
}

/// Memory that only this process has, and where in it to begin, so that huge pages fit.
fn map(length: usize) -> io::Result<(MmapMut, usize)> {
    let mapping = MmapMut::map_anon(length + HUGE_PAGE)?;
    let start = mapping.as_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE);
    // A system without huge pages computes the same, more slowly.
    let advised = mapping.advise_range(Advice::HugePage, start, length);
    let (huge_pages, length_kib) = (advised.is_ok(), length / 1024);
    tracing::debug!(
        event = "hashing.memory",
        huge_pages,
        length_kib,
        "a hashing thread has its memory; huge_pages says whether the system takes the advice"
    );
    Ok((mapping, start))
}

#[expect(unsafe_code, reason = "no safe way leads from mapped memory to Argon2's blocks")]
fn as_blocks(bytes: &mut [u8]) -> &mut [Block] {
    // SAFETY: a block is 128 integers of 64 bits, for which every content is valid, as it is for
    // the bytes that are left behind. `align_to_mut` keeps to the borrow and to the alignment.
    let (_, blocks, _) = unsafe { bytes.align_to_mut::<Block>() };
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_aligned_and_kept_for_smaller_hashes() {
        let mut memory = Memory::default();
        let large = memory.blocks(100).unwrap();
        assert_eq!((large.len(), large.as_ptr().addr() % HUGE_PAGE), (100, 0));
        let address = large.as_ptr().addr();
        assert_eq!(memory.blocks(8).unwrap().as_ptr().addr(), address);
        assert_eq!(memory.blocks(3000).unwrap().len(), 3000);
        assert!(memory.blocks(usize::MAX).is_err());
    }
}
