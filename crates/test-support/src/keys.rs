//! Keys that only tests use.

/// A code key in hexadecimal, 256 bits long.
pub const CODE_KEY: &str = "7b1d0c9f4e5a6b2833d7f1a0c4e98275615f0b3ad2c7e48691b0fa3d5c6e7f12";
