//! Transactions that read lists and append to them.
//!
//! Every element is appended once, so a list that is read shows the order of all appends to it.

use fracas_checker::Completion;
use fracas_checker::event::{Key, Op, OpKind, Outcome};
use fracas_checker::transaction::{Micro, ReadValue};

use crate::look::Look;
use crate::names::Filling;
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, readers, transactions};

const PREFIX: &str = "list-";
/// A list with so many elements is left for the next.
const FULL: usize = 60;

/// The workload `list-append`.
pub(crate) struct ListAppend;

impl Workload for ListAppend {
    fn name(&self) -> &'static str {
        "list-append"
    }

    fn about(&self) -> &'static str {
        "transactions of one to four parts read lists and append to them, every element once"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Txn]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["list-append/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Txn, 20)])
    }

    fn probe(&self) -> Option<Op> {
        Some(transactions::reads(&["list-ready".into()]))
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let stream = |writes| {
            let lists = Filling::new(PREFIX, load, FULL);
            Box::new(Client { lists, writes }) as Box<dyn Stream>
        };
        let mut lanes = clients::lanes(load, true, |_| stream(true));
        lanes.extend(readers::each(load, load.reads_per_node(), || stream(false)));
        lanes
    }

    fn looks(&self, keys: &[Key]) -> Vec<Look> {
        transactions::looks(keys)
    }
}

/// One client, or a reader.
struct Client {
    lists: Filling,
    writes: bool,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let numbers = transactions::some(draw, self.lists.numbers());
        let part = |number: u16| {
            let key = self.lists.key(number);
            match self.writes && draw.below(2) == 0 {
                true => Micro::Append { key, value: draw.fresh_value() },
                false => transactions::read(key),
            }
        };
        Op::Txn { ops: numbers.into_iter().map(part).collect() }
    }

    fn learn(&mut self, _: &Op, completion: &Completion) {
        let Completion::Ok { outcome: Outcome::Txn { ops }, .. } = completion else { return };
        for part in ops.iter() {
            if let Micro::Read { key, seen: ReadValue::List(values) } = part {
                self.lists.saw(key, values.len());
            }
        }
    }
}
