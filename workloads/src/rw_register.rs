//! Transactions that read and write registers.
//!
//! Almost every write is of a register that the same transaction has read: so it is known which
//! version follows which, and the check decides without a search.

use fracas_checker::event::{Key, Op, OpKind};
use fracas_checker::transaction::Micro;

use crate::look::Look;
use crate::workload::Least;
use crate::{Draw, Lane, Load, Stream, Workload, clients, names, readers, transactions};

const PREFIX: &str = "rw-";
/// Of a hundred registers of a transaction how many are written, and how many of these are not read
/// before.
const WRITES: u16 = 50;
const BLIND: u16 = 10;

/// The workload `rw-register`.
pub(crate) struct RwRegister;

impl Workload for RwRegister {
    fn name(&self) -> &'static str {
        "rw-register"
    }

    fn about(&self) -> &'static str {
        "transactions on one to four registers read and write them, every value once"
    }

    fn needs(&self) -> &'static [OpKind] {
        &[OpKind::Txn]
    }

    fn checks(&self) -> &'static [&'static str] {
        &["rw-register/linearizable"]
    }

    fn prefix(&self) -> &'static str {
        PREFIX
    }

    fn least(&self) -> Least {
        Least::of(&[(OpKind::Txn, 20)])
    }

    fn probe(&self) -> Option<Op> {
        Some(transactions::reads(&["rw-ready".into()]))
    }

    fn lanes(&self, load: &Load) -> Vec<Lane> {
        let stream =
            |writes| Box::new(Client { keys: names::all(PREFIX, load), writes }) as Box<dyn Stream>;
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
    keys: Vec<Key>,
    writes: bool,
}

impl Stream for Client {
    fn next(&mut self, draw: &mut Draw) -> Op {
        let numbers = u16::try_from(self.keys.len()).unwrap_or(u16::MAX);
        let mut ops = Vec::new();
        for number in transactions::some(draw, numbers) {
            if ops.len() + 2 > usize::from(transactions::MOST) {
                break;
            }
            let key = self.keys[usize::from(number)].clone();
            let (choice, value) = (draw.below(100), draw.fresh_value());
            let writes = self.writes && choice < WRITES;
            if !writes || draw.below(100) >= BLIND {
                ops.push(transactions::read(key.clone()));
            }
            if writes {
                ops.push(Micro::Write { key, value });
            }
        }
        Op::Txn { ops: ops.into() }
    }
}
