//! The macro behind the table of operations: from one row follow the variants of `Op`, `OpKind` and
//! `Outcome` with their JSON, words, sentences, fields and samples. It knows no operation.

/// Declares the operations. A row reads:
///
/// ```text
/// /// What it asks, for readers of `Op`.
/// Variant "word" changes, on(field) { fields } shows ("format", arguments)
/// answers {
///     /// What this answer means.
///     Variant { fields } tells ("format", arguments),
/// }
/// ```
///
/// `changes`, `looks` or `derived` is its [`Effect`](super::Effect); `on()` names the field with the
/// object that it acts on, if there is one. Without `tells` an answer says no more than that it was
/// done.
macro_rules! operations {
    ($(
        $(#[$doc:meta])+
        $name:ident $word:literal $effect:ident, on($($on:ident)?)
        { $($(#[$field_meta:meta])+ $field:ident: $type:ty),* $(,)? }
        shows ($($shows:tt)+)
        answers { $(
            $(#[$outcome_doc:meta])+
            $outcome:ident
            $({ $($(#[$told_meta:meta])+ $told:ident: $told_type:ty),+ $(,)? })?
            $(tells ($($tells:tt)+))?
        ),+ $(,)? }
    )+) => {
        /// What a client asks of the cluster.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(tag = "f")]
        pub enum Op {
            $($(#[$doc])+ #[serde(rename = $word)] $name { $($(#[$field_meta])+ $field: $type),* },)+
        }

        /// The kinds of [`Op`], without their arguments: for tables of what a target serves and what
        /// a workload needs.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum OpKind {
            $(#[doc = concat!("[`Op::", stringify!($name), "`]")] #[serde(rename = $word)] $name,)+
        }

        /// What a successful operation answered; mirrors [`Op`].
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(tag = "f", rename_all = "kebab-case")]
        pub enum Outcome {
            $($($(#[$outcome_doc])+ $outcome $({ $($(#[$told_meta])+ $told: $told_type),+ })?,)+)+
        }

        impl Op {
            /// Which kind of operation this is.
            #[must_use]
            pub fn kind(&self) -> OpKind {
                match self {
                    $(Self::$name { .. } => OpKind::$name,)+
                }
            }

            /// The object it acts on; none for a transaction or a claim, whose object is everything.
            #[must_use]
            pub fn key(&self) -> Option<&Key> {
                match self {
                    $(Self::$name { $($on,)? .. } => operations!(@object $($on)?),)+
                }
            }

            /// Its arguments by name, in the order of the table.
            #[must_use]
            pub fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
                match self {
                    $(Self::$name { $($field),* } => {
                        vec![$((stringify!($field), Argument::field($field))),*]
                    })+
                }
            }
        }

        impl fmt::Display for Op {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name { $($field),* } => {
                        // A sentence need not say everything.
                        $(let _ = $field;)*
                        write!(f, $($shows)+)
                    })+
                }
            }
        }

        impl OpKind {
            /// Every kind, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word used in target files, histories and reports.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What operations of this kind do to the object that they act on.
            #[must_use]
            pub fn effect(self) -> Effect {
                match self {
                    $(Self::$name => operations!(@effect $effect),)+
                }
            }

            /// The names of the arguments, in the order of the table.
            #[must_use]
            pub fn fields(self) -> &'static [&'static str] {
                match self {
                    $(Self::$name => &[$(stringify!($field)),*],)+
                }
            }

            /// An operation of this kind, for trying a target out.
            #[must_use]
            pub fn sample(self) -> Op {
                match self {
                    $(Self::$name => Op::$name { $($field: <$type as Argument>::sample()),* },)+
                }
            }
        }

        impl Outcome {
            /// What the outcome tells beyond the success itself; none if it tells no more.
            #[must_use]
            pub fn details(&self) -> Option<String> {
                match self {
                    $($(
                        Self::$outcome $({ $($told),+ })? =>
                            operations!(@tells $(($($tells)+))?),
                    )+)+
                }
            }

            /// The kind of operation that has this outcome.
            #[must_use]
            pub fn answers(&self) -> OpKind {
                match self {
                    $($(Self::$outcome { .. })|+ => OpKind::$name,)+
                }
            }
        }
    };
    (@object) => { None };
    (@object $on:ident) => { Some($on) };
    (@effect changes) => { Effect::Changes };
    (@effect looks) => { Effect::Looks };
    (@effect derived) => { Effect::Derived };
    (@tells) => { None };
    (@tells ($($tells:tt)+)) => { Some(format!($($tells)+)).filter(|details| !details.is_empty()) };
}

pub(super) use operations;
