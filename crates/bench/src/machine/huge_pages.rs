//! Memory for hashes on huge pages, where the system gives them.

use std::io;

use argon2::Block;
use memmap2::{Advice, MmapMut};

use crate::error::BenchError;

/// What x86-64 and arm64 call huge, unless they are told otherwise.
const HUGE_PAGE: usize = 2 * 1024 * 1024;

/// The memory of one thread.
#[derive(Debug)]
pub struct HashMemory {
    mapping: MmapMut,
    /// Where the first huge page begins.
    start: usize,
    length: usize,
    /// Whether the system takes the advice to use huge pages.
    pub is_advised: bool,
}

impl HashMemory {
    /// Memory for this many blocks, touched, so that no hash waits for it.
    pub fn new(blocks: usize) -> Result<Self, BenchError> {
        let failed = "get the memory for a hash";
        let too_much = || BenchError::io(failed)(io::ErrorKind::OutOfMemory.into());
        let length = blocks.checked_mul(Block::SIZE).ok_or_else(too_much)?;
        let mapping = MmapMut::map_anon(length + HUGE_PAGE).map_err(BenchError::io(failed))?;
        let start = mapping.as_ptr().align_offset(HUGE_PAGE).min(HUGE_PAGE);
        let is_advised = mapping.advise_range(Advice::HugePage, start, length).is_ok();
        let mut memory = Self { mapping, start, length, is_advised };
        memory.mapping[start..start + length].fill(0);
        Ok(memory)
    }

    /// The memory as the hash takes it.
    #[expect(unsafe_code, reason = "no safe way leads from mapped memory to Argon2's blocks")]
    pub fn blocks(&mut self) -> &mut [Block] {
        let bytes = &mut self.mapping[self.start..self.start + self.length];
        // SAFETY: a block is 128 integers of 64 bits, for which every content is valid, as it is for
        // the bytes that are left behind. `align_to_mut` keeps to the borrow and to the alignment.
        let (_, blocks, _) = unsafe { bytes.align_to_mut::<Block>() };
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_blocks_are_there_and_begin_with_a_huge_page() {
        let mut memory = HashMemory::new(3_000).unwrap();
        let blocks = memory.blocks();
        assert_eq!((blocks.len(), blocks.as_ptr().addr() % HUGE_PAGE), (3_000, 0));
        HashMemory::new(usize::MAX).unwrap_err();
    }
}
