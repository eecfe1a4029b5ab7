//! A wall clock that is wrong for one process.

use super::effect::Effect;
use crate::schedule::Part;
use crate::system::System;

impl System {
    pub(super) async fn set_clock(&self, part: Part, seconds: i64) -> Effect {
        let clock = &self.process(part).ok_or("it has no clock of its own")?.wall_clock;
        let before = clock.read().await?;
        clock.set(seconds);
        let shown = clock.read().await? - before;
        if (shown - seconds).abs() < 60 {
            Ok(format!("a program with the same clock was {shown:+} s late or early"))
        } else {
            Err(format!("a program with the same clock was {shown:+} s late or early"))
        }
    }

    pub(super) fn correct_clock(&self, part: Part) {
        if let Some(process) = self.process(part) {
            process.wall_clock.set(0);
        }
    }
}
