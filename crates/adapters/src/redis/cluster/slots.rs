//! Which slot a key belongs to: the [Redis Cluster specification] says how.
//!
//! [Redis Cluster specification]: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model

/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key. A part of it in braces, if there is one, stands for the whole key.
pub(super) fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16(hashed.as_bytes()) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_example_has_its_sum() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    /// As `CLUSTER KEYSLOT` says.
    #[test]
    fn keys_have_the_slots_that_the_server_gives_them() {
        for (key, slot) in [
            ("foo", 12_182),
            ("registration:{foo}:7", 12_182),
            ("foo{}{bar}", 8_363),
            ("foo{{bar}}zap", 4_015),
            ("foo{bar}{zap}", 5_061),
            ("", 0),
        ] {
            assert_eq!(slot_of(key), slot, "{key}");
        }
    }
}
