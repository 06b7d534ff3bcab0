//! What simulated holders saw of their locks, and whether it can be: each question is asked of two
//! requests at a time, so it is right by inspection.

use fracas_regent::core::Millis;
use fracas_regent::messages::{Command, FencingToken};
use fracas_regent::objects::locks::Change;
use fracas_regent::objects::registers;

use super::judge::Broken;

/// What a holder was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted(FencingToken),
    Done,
    /// It did nothing.
    Refused,
    /// The node does not lead.
    NotAsked,
}

/// One request of a holder. With each time goes the place in the one order of all events.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) holder: u64,
    pub(crate) command: Command,
    pub(crate) asked: (Millis, u64),
    /// None: the holder never learned what became of it.
    pub(crate) answered: Option<(Millis, u64, Answer)>,
}

impl Request {
    fn key(&self) -> &str {
        self.command.key().unwrap_or_default()
    }

    fn before(&self, other: &Self) -> bool {
        self.answered.is_some_and(|(_, at, _)| at < other.asked.1)
    }

    fn granted(&self) -> Option<FencingToken> {
        match self.answered {
            Some((.., Answer::Granted(token))) => Some(token),
            _ => None,
        }
    }

    /// The token of a guarded write that was taken.
    fn written(&self) -> Option<FencingToken> {
        match (&self.command, self.answered) {
            (
                Command::Register { change: registers::Change::GuardedPut { token, .. }, .. },
                Some((.., Answer::Done)),
            ) => Some(*token),
            _ => None,
        }
    }
}

/// From when to when a holder has reason to believe that it holds a lock: from the answer, until
/// the time to live has passed since it asked, or it asks to give the lock back.
struct Belief<'a> {
    request: &'a Request,
    from: Millis,
    until: Millis,
}

/// Everything that cannot be, the first of each kind.
pub(crate) fn breaches(requests: &[Request]) -> Vec<(Broken, String)> {
    let told = |broken, pair: Option<(&Request, &Request)>| {
        pair.map(|(first, second)| (broken, format!("{first:?} and {second:?}")))
    };
    let found = [
        told(Broken::TokensGrow, pair(requests, tokens_cross)),
        told(Broken::GuardHolds, pair(requests, passes_the_guard)),
        told(Broken::OneHolder, shared(requests)),
    ];
    found.into_iter().flatten().collect()
}

fn pair(
    requests: &[Request],
    breaks: impl Fn(&Request, &Request) -> bool,
) -> Option<(&Request, &Request)> {
    let all = || requests.iter();
    all().find_map(|first| {
        all()
            .find(|second| first.key() == second.key() && breaks(first, second))
            .map(|other| (first, other))
    })
}

/// A later grant has no higher token.
fn tokens_cross(earlier: &Request, later: &Request) -> bool {
    let tokens = earlier.granted().zip(later.granted());
    tokens.is_some_and(|(first, second)| earlier.before(later) && first >= second)
}

/// A later write was taken, though its token is lower.
fn passes_the_guard(earlier: &Request, later: &Request) -> bool {
    let tokens = earlier.written().zip(later.written());
    tokens.is_some_and(|(first, second)| earlier.before(later) && first > second)
}

/// Two holders believe to hold a lock at once.
fn shared(requests: &[Request]) -> Option<(&Request, &Request)> {
    let beliefs: Vec<Belief<'_>> = requests.iter().filter_map(|r| belief(r, requests)).collect();
    beliefs.iter().find_map(|belief| {
        let other = beliefs.iter().find(|other| {
            let apart = belief.until <= other.from || other.until <= belief.from;
            let same = belief.request.holder == other.request.holder;
            belief.request.key() == other.request.key() && !same && !apart
        });
        other.map(|other| (belief.request, other.request))
    })
}

fn belief<'a>(request: &'a Request, all: &[Request]) -> Option<Belief<'a>> {
    let Command::Lock { change, .. } = &request.command else { return None };
    let ttl = match (change, request.answered?.2) {
        (Change::Acquire { ttl_ms, .. }, Answer::Granted(_))
        | (Change::Renew { ttl_ms, .. }, Answer::Done) => *ttl_ms,
        _ => return None,
    };
    let given_back = all.iter().find(|other| {
        let release = matches!(other.command, Command::Lock { change: Change::Release { .. }, .. });
        let same = other.holder == request.holder && other.key() == request.key();
        release && same && other.asked.1 > request.asked.1
    });
    let ends = given_back.map_or(Millis::MAX, |release| release.asked.0);
    let until = ttl.map_or(Millis::MAX, |ttl| request.asked.0 + ttl).min(ends);
    Some(Belief { request, from: request.answered?.0, until })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(change: Change) -> Command {
        Command::Lock { key: "l".into(), change }
    }

    fn acquire(holder: u64, (asked, answered): (u64, u64), token: u64) -> Request {
        let command = lock(Change::Acquire { holder, ttl_ms: Some(100) });
        let answered = Some((answered, answered, Answer::Granted(token)));
        Request { holder, command, asked: (asked, asked), answered }
    }

    fn write(token: u64, (asked, answered): (u64, u64)) -> Request {
        let command = Command::Register {
            key: "l".into(),
            change: registers::Change::GuardedPut { token, value: 1 },
        };
        let answered = Some((answered, answered, Answer::Done));
        Request { holder: 1, command, asked: (asked, asked), answered }
    }

    #[track_caller]
    fn check(requests: &[Request], expect: &[Broken]) {
        let found: Vec<Broken> = breaches(requests).into_iter().map(|(breach, _)| breach).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn a_lease_may_be_granted_again_when_it_is_over_and_not_before() {
        check(&[acquire(1, (0, 9), 3), acquire(2, (10, 100), 4)], &[]);
        check(&[acquire(1, (0, 9), 3), acquire(2, (10, 99), 4)], &[Broken::OneHolder]);
        let command = lock(Change::Release { holder: 1 });
        let release = Request { holder: 1, command, asked: (20, 20), answered: None };
        check(&[acquire(1, (0, 9), 3), release, acquire(2, (10, 20), 4)], &[]);
    }

    #[test]
    fn tokens_grow_from_one_grant_to_the_next() {
        check(&[acquire(1, (0, 9), 3), acquire(1, (200, 209), 3)], &[Broken::TokensGrow]);
        check(&[acquire(1, (0, 9), 4), acquire(1, (8, 20), 3)], &[]);
    }

    #[test]
    fn the_guard_takes_no_lower_token_afterwards() {
        check(&[write(4, (0, 9)), write(3, (10, 20))], &[Broken::GuardHolds]);
        check(&[write(4, (0, 9)), write(3, (8, 20)), write(4, (30, 40))], &[]);
    }
}
