//! What the kernel says about processes and about the machine.

mod conditions;
mod descriptors;
mod huge_pages;
mod memory;
mod processes;
mod stat;

pub use conditions::Conditions;
pub use descriptors::raise_limit;
pub use huge_pages::HashMemory;
pub use memory::resident;
pub use processes::{of_this_thread, of_threads, of_tree};
pub use stat::Stat;
