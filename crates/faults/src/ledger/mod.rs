//! What must be true after a run, whatever was broken during it, and whether it is.
//!
//! A pure function of the evidence. It judges by what the clients were told and by what the mail
//! server was sent, never by what the product says about itself.

mod answers;
mod case;
mod codes;
mod excuses;
mod mails;
mod registrations;
mod resources;
mod row;
#[cfg(test)]
mod tests;
mod webhooks;

use std::collections::BTreeSet;
use std::fmt;

pub use row::{Row, Violation};

use case::Case;

use crate::evidence::{Evidence, History, Terms};

/// One line of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Enough was asked of the system for the run to mean anything.
    EnoughAccepted,
    /// Each scheduled fault was seen to have an effect.
    FaultsHadEffect,
    /// Each client that has read 201 got a mail.
    AcceptedIsMailed,
    /// Each client that has read 201 could activate its account in the end.
    AcceptedIsActivated,
    /// What was active once is active in the end.
    ActiveStaysActive,
    /// There is no mail that nobody has asked for.
    MailsWereAskedFor,
    /// Each duplicate is explained by a fault at that time.
    DuplicatesHaveCause,
    /// A duplicate has the code of the first copy.
    DuplicatesAreEqual,
    /// The webhook told of each account that became active.
    ActivationsAreTold,
    /// There is no webhook but of an activation, one event for each, signed.
    WebhooksTellOfActivations,
    /// Each webhook that was sent again is explained by a fault at that time.
    RepetitionsHaveCause,
    /// No account became active without the code that its owner was sent.
    ActivationsHadCode,
    /// No account was activated twice.
    CodesWorkOnce,
    /// No more guesses were compared than a code and an address allow.
    GuessesStayInBudget,
    /// A right code is refused only when it has expired, was used up, or was lost with the store.
    RightCodesWork,
    /// There is no server error but 503.
    NoServerError,
    /// Every answer came within the timeouts on its way.
    AnswersInTime,
    /// No process ended by itself.
    ProcessesSurvive,
    /// Outboxes, retry queues and dead letters are empty.
    NothingIsLeft,
    /// Memory, descriptors, threads and connections are back to where they were.
    ResourcesReturn,
}

impl Rule {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 20] = [
        Self::EnoughAccepted,
        Self::FaultsHadEffect,
        Self::AcceptedIsMailed,
        Self::AcceptedIsActivated,
        Self::ActiveStaysActive,
        Self::MailsWereAskedFor,
        Self::DuplicatesHaveCause,
        Self::DuplicatesAreEqual,
        Self::ActivationsAreTold,
        Self::WebhooksTellOfActivations,
        Self::RepetitionsHaveCause,
        Self::ActivationsHadCode,
        Self::CodesWorkOnce,
        Self::GuessesStayInBudget,
        Self::RightCodesWork,
        Self::NoServerError,
        Self::AnswersInTime,
        Self::ProcessesSurvive,
        Self::NothingIsLeft,
        Self::ResourcesReturn,
    ];

    fn judge(self, case: &Case<'_>) -> Row {
        match self {
            Self::EnoughAccepted => registrations::enough_accepted(case),
            Self::FaultsHadEffect => resources::faults_had_effect(case),
            Self::AcceptedIsMailed => registrations::accepted_is_mailed(case),
            Self::AcceptedIsActivated => registrations::accepted_is_activated(case),
            Self::ActiveStaysActive => registrations::active_stays_active(case),
            Self::MailsWereAskedFor => mails::were_asked_for(case),
            Self::DuplicatesHaveCause => mails::duplicates_have_cause(case),
            Self::DuplicatesAreEqual => mails::duplicates_are_equal(case),
            Self::ActivationsAreTold => webhooks::activations_are_told(case),
            Self::WebhooksTellOfActivations => webhooks::tell_of_activations(case),
            Self::RepetitionsHaveCause => webhooks::repetitions_have_cause(case),
            Self::ActivationsHadCode => codes::activations_had_code(case),
            Self::CodesWorkOnce => codes::work_once(case),
            Self::GuessesStayInBudget => codes::guesses_stay_in_budget(case),
            Self::RightCodesWork => codes::right_codes_work(case),
            Self::NoServerError => answers::no_server_error(case),
            Self::AnswersInTime => answers::in_time(case),
            Self::ProcessesSurvive => resources::processes_survive(case),
            Self::NothingIsLeft => resources::nothing_is_left(case),
            Self::ResourcesReturn => resources::return_to_where_they_were(case),
        }
    }
}

/// The verdict on a run.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// One for each rule.
    pub rows: Vec<(Rule, Row)>,
    histories: Vec<String>,
}

impl Ledger {
    /// Judges a run.
    pub fn of(evidence: &Evidence, terms: &Terms) -> Self {
        let case = Case::new(evidence, terms);
        let rows: Vec<_> = Rule::ALL.into_iter().map(|rule| (rule, rule.judge(&case))).collect();
        let violations = rows.iter().flat_map(|(_, row)| &row.violations);
        let concerned: BTreeSet<&str> =
            violations.filter_map(|violation| violation.email.as_deref()).collect();
        let histories = evidence
            .histories
            .iter()
            .filter(|history| concerned.contains(history.email.as_str()))
            .map(|history| tell(history, &case))
            .collect();
        Self { rows, histories }
    }

    /// Whether every rule holds.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|(_, row)| row.holds())
    }

    /// Whether this rule is broken.
    pub fn shows(&self, rule: Rule) -> bool {
        self.rows.iter().any(|(of, row)| *of == rule && !row.holds())
    }
}

/// How many violations of a rule are printed, and how many histories.
const SHOWN: usize = 12;

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| rule | expected | found | |\n|---|---|---|---|")?;
        for (_, row) in &self.rows {
            let Row { rule, expected, found, .. } = row;
            let verdict = if row.holds() { "ok" } else { "VIOLATED" };
            writeln!(f, "| {rule} | {expected} | {found} | {verdict} |")?;
        }
        for (_, row) in self.rows.iter().filter(|(_, row)| !row.holds()) {
            writeln!(f, "\n{}, {} violation(s):", row.rule, row.violations.len())?;
            for violation in row.violations.iter().take(SHOWN) {
                writeln!(f, "  {}", violation.what)?;
            }
        }
        for history in self.histories.iter().take(SHOWN) {
            writeln!(f, "\n{history}")?;
        }
        Ok(())
    }
}

/// The history of an account: its exchanges, its mails, and the faults meanwhile.
fn tell(history: &History, case: &Case<'_>) -> String {
    let mut lines: Vec<(f64, String)> = Vec::new();
    for exchange in &history.exchanges {
        lines.push((exchange.sent.as_secs_f64(), exchange.to_string()));
    }
    for copy in case.mails_to(history) {
        let at = copy.at.as_secs_f64();
        let told = if copy.told { "" } else { ", which the sender was not told" };
        lines.push((at, format!("{at:9.3} mail {} with {}{told}", copy.message_id, copy.code)));
    }
    let span = lines.iter().map(|(at, _)| *at);
    let (first, last) =
        span.fold((f64::MAX, 0.0_f64), |(first, last), at| (first.min(at), last.max(at)));
    for observed in &case.evidence.faults {
        let (begin, end) = (observed.begin.as_secs_f64(), observed.end.as_secs_f64());
        if end >= first - 5.0 && begin <= last + 5.0 {
            lines.push((begin, format!("{begin:9.3} to {end:9.3}  -- {}", observed.fault)));
        }
    }
    lines.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    format!("history of {} ({:?}):\n{}", history.email, history.story, lines.join("\n"))
}
