//! Enhanced status codes (RFC 3463), which say what a refusal is about.

/// The status at the beginning of a reply's text: 5.1.1 is class 5, subject 1, detail 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EnhancedStatus {
    class: u16,
    subject: u16,
    detail: u16,
}

impl EnhancedStatus {
    /// The status that a text begins with, if there is one. Some servers decorate it: "#5.1.0",
    /// "(5.1.1)", "5.1.1:".
    pub(super) fn find(text: &str) -> Option<Self> {
        let first = text.split_whitespace().next()?;
        let status = first.trim_matches(['#', '(', ')', '[', ']', ':', ',', ';']);
        let mut parts = status.split('.').map(parse_part);
        let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
        let is_status = parts.next().is_none() && matches!(class, 2 | 4 | 5);
        is_status.then_some(Self { class, subject, detail })
    }

    /// Whether a retry may succeed, whatever the code of the reply says.
    pub(super) fn is_transient(self) -> bool {
        self.class == 4
    }

    /// Whether it says for good that this mailbox takes no mail, or not this mail. Not what blames
    /// the sender (5.1.7, 5.1.8), the system (5.3), the network (5.4), the protocol (5.5) or a
    /// policy (5.7).
    pub(super) fn is_about_mailbox_or_mail(self) -> bool {
        let Self { class, subject, detail } = self;
        class == 5 && matches!((subject, detail), (1, 0..=4 | 6 | 9 | 10) | (2 | 6, _) | (3, 4))
    }
}

fn parse_part(part: &str) -> Option<u16> {
    let is_number = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| part.parse().ok())?
}

impl std::fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}
