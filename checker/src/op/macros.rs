//! The macro behind the table of operations: from one row follow the variants of `Op`, `OpKind` and
//! `Outcome` with their JSON, words, sentences, fields and samples. It knows no operation.

/// Declares the operations. A row reads:
///
/// ```text
/// /// What it asks, for readers of `Op`.
/// Variant "word" changes, on(field) refused_if(state) sets(field) read_by(Other)
/// { fields }
/// shows ("format", arguments)
/// answers {
///     /// What this answer means.
///     Variant { fields } changes nothing sees(field) found(field) tells ("format", arguments),
/// }
/// ```
///
/// `changes`, `looks` or `derived` is its [`Effect`](super::Effect); `on()` names the field with the
/// object that it acts on, if there is one. The rest is left out where it does not hold:
///
/// - `refused_if` names the state of the object in which a cluster that works refuses it;
/// - `sets` names the field with the value that the object holds afterwards, `adds` the one with a
///   value that is put beside what is there; `read_by` says which operations show what was changed;
/// - an answer that `changes nothing` tells that the operation did not take effect; `sees` names the
///   field of the answer with what the object held, `found` the field of the operation; without
///   `tells` an answer says no more than that it was done.
///
/// The first answer is the one that clients hope for.
macro_rules! operations {
    ($(
        $(#[$doc:meta])+
        $name:ident $word:literal $effect:ident, on($($on:ident)?)
        $(refused_if($refusal:ident))?
        $(sets($sets:ident))? $(adds($adds:ident))? $(read_by($($reader:ident),+))?
        { $($(#[$field_meta:meta])+ $field:ident: $type:ty),* $(,)? }
        shows ($($shows:tt)+)
        answers { $(
            $(#[$outcome_doc:meta])+
            $outcome:ident
            $({ $($(#[$told_meta:meta])+ $told:ident: $told_type:ty),+ $(,)? })?
            $(changes $nothing:ident)? $(sees($seen:ident))? $(found($found:ident))?
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
                    $(Self::$name { $($on,)? .. } => operations!(@maybe $($on)?),)+
                }
            }

            /// The value that its object holds afterwards, if it takes effect; none if it sets none.
            #[must_use]
            pub fn sets(&self) -> Option<&Value> {
                match self {
                    $(Self::$name { $($sets,)? .. } => operations!(@maybe $($sets)?),)+
                }
            }

            /// The value that it puts into its object, in the place of what was there or beside it.
            #[must_use]
            pub fn puts(&self) -> Option<&Value> {
                match self {
                    $(Self::$name { $($sets,)? $($adds,)? .. } => {
                        operations!(@maybe $($sets)? $($adds)?)
                    })+
                }
            }

            /// The value that it found, as it was answered so, where the operation names it.
            pub(super) fn found(&self, outcome: &Outcome) -> Option<&Value> {
                match (self, outcome) {
                    $($((Self::$name { $($found,)? .. }, Outcome::$outcome { .. }) => {
                        operations!(@maybe $($found)?)
                    })+)+
                    _ => None,
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

            /// Whether operations of this kind set their object to a value.
            #[must_use]
            pub fn sets(self) -> bool {
                match self {
                    $(Self::$name => operations!(@whether $($sets)?),)+
                }
            }

            /// Whether a cluster that works may refuse operations of this kind, because of what their
            /// object holds.
            #[must_use]
            pub fn is_conditional(self) -> bool {
                match self {
                    $(Self::$name => operations!(@whether $($refusal)?),)+
                }
            }

            /// Whether operations of the kind `reader` show what those of this kind changed.
            #[must_use]
            pub fn is_read_by(self, reader: Self) -> bool {
                let readers: &[Self] = match self {
                    $(Self::$name => &[$($(Self::$reader),+)?],)+
                };
                readers.contains(&reader)
            }

            /// What the answer tells that clients hope for, by the names of its fields.
            #[must_use]
            pub fn tells(self) -> &'static [(&'static str, Tells)] {
                match self {
                    $(Self::$name => operations!(@first $([$($($told: $told_type),+)?])+),)+
                }
            }

            /// The answer that clients hope for, with `number` wherever it tells one.
            pub(super) fn answer(self, number: u64) -> Outcome {
                match self {
                    $(Self::$name => operations!(
                        @answer number $([$outcome $({ $($told: $told_type),+ })?])+
                    ),)+
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

            /// What the object held; the inner none is “nothing”. None if it does not tell.
            #[must_use]
            pub fn seen(&self) -> Option<Option<&Value>> {
                match self {
                    $($(Self::$outcome { $($seen,)? .. } => operations!(@seen $($seen)?),)+)+
                }
            }

            /// Whether it tells that the operation did not take effect.
            #[must_use]
            pub fn changes_nothing(&self) -> bool {
                match self {
                    $($(Self::$outcome { .. } => operations!(@whether $($nothing)?),)+)+
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
    (@maybe) => { None };
    (@maybe $field:ident) => { Some($field) };
    (@seen) => { None };
    (@seen $field:ident) => { Some($field.as_ref()) };
    (@whether) => { false };
    (@whether $mark:ident) => { true };
    (@first [$($told:ident: $type:ty),*] $($rest:tt)*) => {
        &[$((stringify!($told), <$type as Told>::TELLS)),*]
    };
    (@answer $number:ident [$outcome:ident $({ $($told:ident: $type:ty),+ })?] $($rest:tt)*) => {
        Outcome::$outcome $({ $($told: <$type as Told>::sample($number)),+ })?
    };
    (@effect changes) => { Effect::Changes };
    (@effect looks) => { Effect::Looks };
    (@effect derived) => { Effect::Derived };
    (@tells) => { None };
    (@tells ($($tells:tt)+)) => { Some(format!($($tells)+)).filter(|details| !details.is_empty()) };
}

pub(super) use operations;
