//! Which node has which slots, as one node of the cluster sees it.

use std::collections::HashSet;

use redis::{FromRedisValue, ParsingError, Value};

use super::super::address::Address;
use super::slots::{SLOTS, slot_of};

/// How many keys are tried to find one for each primary. A primary with a single slot is missed by
/// one search in 200,000.
const TRIALS: u32 = 200_000;

/// Which node has which slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotMap(Vec<Range>);

/// Consecutive slots of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    first: u16,
    last: u16,
    primary: Address,
    replicas: Vec<Address>,
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS` of the node at `own_host`.
    pub(super) fn read(answer: Value, own_host: &str) -> Result<Self, ParsingError> {
        let ranges = Vec::<Vec<Value>>::from_redis_value(answer)?;
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .map(|range| read_range(range, own_host))
            .collect::<Result<_, _>>()?;
        ranges.sort_by_key(|range| range.first);
        Ok(Self(ranges))
    }

    /// The primary that has a slot, if one has it.
    pub(super) fn owner(&self, slot: u16) -> Option<&Address> {
        let after = self.0.partition_point(|range| range.first <= slot);
        let range = self.0.get(after.checked_sub(1)?)?;
        (slot <= range.last).then_some(&range.primary)
    }

    /// Whether each slot has a primary.
    pub(crate) fn is_complete(&self) -> bool {
        let served: u32 = self.0.iter().map(|range| u32::from(range.last - range.first) + 1).sum();
        served == u32::from(SLOTS)
    }

    /// Every primary that has slots.
    pub(crate) fn primaries(&self) -> HashSet<&Address> {
        self.0.iter().map(|range| &range.primary).collect()
    }

    /// The replicas of a primary.
    pub(crate) fn replicas(&self, primary: &Address) -> HashSet<&Address> {
        let of_primary = self.0.iter().filter(|range| range.primary == *primary);
        of_primary.flat_map(|range| &range.replicas).collect()
    }

    /// For each primary a key that it has: `<prefix>:` and a number.
    pub(crate) fn key_of_each(&self, prefix: &str) -> Vec<(&Address, String)> {
        let mut missing = self.primaries();
        let mut keys = Vec::with_capacity(missing.len());
        for number in 0..TRIALS {
            if missing.is_empty() {
                break;
            }
            let key = format!("{prefix}:{number}");
            if let Some(primary) = self.owner(slot_of(&key))
                && missing.remove(primary)
            {
                keys.push((primary, key));
            }
        }
        keys
    }
}

/// First slot, last slot, primary, replicas.
fn read_range(range: Vec<Value>, own_host: &str) -> Result<Range, ParsingError> {
    let mut parts = range.into_iter();
    let mut next = || parts.next().unwrap_or(Value::Nil);
    let (first, last) = (u16::from_redis_value(next())?, u16::from_redis_value(next())?);
    let primary = read_node(next(), own_host)?;
    let replicas = parts.map(|node| read_node(node, own_host)).collect::<Result<_, _>>()?;
    Ok(Range { first, last: last.max(first), primary, replicas })
}

/// Host, port, and more that does not matter. A host that the node does not know is its own.
fn read_node(node: Value, own_host: &str) -> Result<Address, ParsingError> {
    let mut parts = Vec::<Value>::from_redis_value(node)?.into_iter();
    let mut next = || parts.next().unwrap_or(Value::Nil);
    let host = Option::<String>::from_redis_value(next())?.filter(|host| !host.is_empty());
    let port = u16::from_redis_value(next())?;
    Ok(Address { host: host.unwrap_or_else(|| own_host.to_owned()), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> SlotMap {
        let answer = redis::parse_redis_value(answer.replace(' ', "\r\n").as_bytes()).unwrap();
        SlotMap::read(answer, "asked").unwrap()
    }

    /// Two shards; the first has a replica, and the node that was asked does not know its own host.
    fn two_shards() -> SlotMap {
        read(
            "*2 *3 :8192 :16383 *3 $1 b :2 $2 id \
             *4 :0 :8191 *4 $0  :1 $2 id *0 *3 $1 c :3 $2 id ",
        )
    }

    fn address(text: &str) -> Address {
        Address::parse(text, "").unwrap()
    }

    #[test]
    fn a_slot_has_the_primary_of_its_range() {
        let map = two_shards();
        for (slot, owner) in [(0, "asked:1"), (8191, "asked:1"), (8192, "b:2"), (16_383, "b:2")] {
            assert_eq!(map.owner(slot), Some(&address(owner)), "{slot}");
        }
        assert!(map.is_complete());
        assert_eq!(map.replicas(&address("asked:1")), HashSet::from([&address("c:3")]));
        assert!(map.replicas(&address("b:2")).is_empty());
    }

    #[test]
    fn a_slot_without_a_node_has_none() {
        let map = read("*1 *3 :5 :10 *2 $1 a :1 ");
        assert_eq!((map.owner(4), map.owner(11)), (None, None));
        assert_eq!(map.owner(10), Some(&address("a:1")));
        assert!(!map.is_complete());
        assert_eq!(read("*0 ").owner(0), None);
    }

    #[test]
    fn each_primary_has_a_key_of_its_own() {
        let map = two_shards();
        let keys = map.key_of_each("probe");
        assert_eq!(keys.len(), 2);
        for (primary, key) in keys {
            assert_eq!(map.owner(slot_of(&key)), Some(primary), "{key}");
        }
    }
}
