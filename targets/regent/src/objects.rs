//! The state machine: objects of all kinds by key, changed by the committed entries in order. A
//! kind is a file below and a line in the table here.

pub mod counters;
pub mod ids;
pub mod locks;
pub mod mutexes;
pub mod object;
pub mod queues;
pub mod registers;
mod requests;
pub mod sets;
pub mod texts;
pub mod transactions;
pub mod versioned;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bugs::Bug;
use crate::identity::{Index, RequestId};

use object::{Answer, Object, Outcome, Place, Refusal};
use requests::Requests;

/// The objects of one kind, by key.
type Shelf<T> = BTreeMap<String, T>;

fn change<T: Object>(
    shelf: &mut Shelf<T>,
    key: &str,
    update: &T::Change,
    place: &Place,
) -> Outcome {
    match shelf.get_mut(key) {
        Some(object) => object.change(update, place),
        None => shelf.entry(key.to_owned()).or_default().change(update, place),
    }
}

fn look<T: Object>(shelf: &Shelf<T>, key: &str, query: &T::Query) -> Answer {
    shelf.get(key).map_or_else(|| T::default().look(query), |object| object.look(query))
}

/// Makes the types that name every kind from one table of them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $Kind:ident in $shelf:ident: $module:ident::$Object:ident,)*) => {
        /// What an entry of the log does.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Command {
            /// Nothing: the first entry of every reign.
            Noop,
            $(
                $(#[$doc])*
                $Kind {
                    /// Which one.
                    key: String,
                    /// What is done to it.
                    change: <$module::$Object as Object>::Change,
                },
            )*
        }

        /// What is asked of an object without changing it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Query {
            $(
                $(#[$doc])*
                $Kind {
                    /// Which one.
                    key: String,
                    /// What is asked.
                    query: <$module::$Object as Object>::Query,
                },
            )*
        }

        /// All objects, as of one place in the log.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Objects {
            applied: Index,
            bug: Option<Bug>,
            requests: Requests,
            $(pub(crate) $shelf: Shelf<$module::$Object>,)*
        }

        impl Command {
            /// The object that it is about; none if it is about none.
            #[must_use]
            pub fn key(&self) -> Option<&str> {
                match self {
                    Self::Noop => None,
                    $(Self::$Kind { key, .. } => Some(key),)*
                }
            }
        }

        impl Query {
            /// The object that it is about.
            #[must_use]
            pub fn key(&self) -> &str {
                match self {
                    $(Self::$Kind { key, .. } => key,)*
                }
            }
        }

        impl Objects {
            /// What an object answers.
            #[must_use]
            pub fn look(&self, query: &Query) -> Answer {
                match query {
                    $(Query::$Kind { key, query } => look(&self.$shelf, key, query),)*
                }
            }

            fn change(&mut self, command: &Command, place: &Place) -> Outcome {
                match command {
                    Command::Noop => Ok(Answer::Done {}),
                    $(Command::$Kind { key, change: update } => {
                        change(&mut self.$shelf, key, update, place)
                    })*
                }
            }
        }
    };
}

kinds! {
    /// A register.
    Register in registers: registers::Register,
    /// A lock or a lease.
    Lock in locks: locks::Lock,
    /// A set.
    Set in sets: sets::Set,
    /// A queue.
    Queue in queues: queues::Queue,
    /// A counter.
    Counter in counters: counters::Counter,
    /// A generator of ids.
    Ids in ids: ids::Ids,
    /// A mutex.
    Mutex in mutexes: mutexes::Mutex,
    /// A number with a version.
    Versioned in versioned: versioned::Versioned,
    /// A text.
    Text in texts: texts::Text,
    /// The space of numbers and lists that a transaction is about.
    Transaction in spaces: transactions::Cells,
}

impl Objects {
    /// Before the first entry.
    #[must_use]
    pub fn new(bug: Option<Bug>) -> Self {
        Self { bug, ..Self::default() }
    }

    /// Up to where the log has been applied.
    #[must_use]
    pub fn applied(&self) -> Index {
        self.applied
    }

    /// Applies the next entry: what it does, and for whom if for a client. `found` says whether the
    /// node that applies it found it on its disk; only a planted bug asks.
    pub fn apply(
        &mut self,
        command: &Command,
        request: Option<&RequestId>,
        found: bool,
    ) -> Outcome {
        self.applied += 1;
        if let Some(request) = request
            && !self.requests.is_first(request)
            && !self.counts_twice(command)
        {
            return Err(Refusal::Repeated);
        }
        let session = request.map(|request| request.session);
        let place = Place { index: self.applied, session, found, bug: self.bug };
        self.change(command, &place)
    }

    /// Whether a planted bug forgets that requests may come twice.
    fn counts_twice(&self, command: &Command) -> bool {
        match command {
            Command::Counter { .. } => self.bug == Some(Bug::CounterRetryCountedTwice),
            Command::Text { .. } => self.bug == Some(Bug::TextRetryAppendedTwice),
            Command::Register { change: registers::Change::Swap { .. }, .. } => {
                self.bug == Some(Bug::SwapRetryAnswersItself)
            }
            _ => false,
        }
    }

    /// Every lock that is held.
    pub fn held_locks(&self) -> impl Iterator<Item = (&str, &locks::Grant)> {
        self.locks.iter().filter_map(|(key, lock)| Some((key.as_str(), lock.held()?)))
    }
}
