//! Every row of the benchmarks, at a tiny size: it is judged, rightly, and written down.

#[expect(dead_code, reason = "rows are measured here, not in processes of their own")]
#[path = "../benches/bench/mod.rs"]
mod bench;
#[expect(dead_code, reason = "benchmarks need less of it")]
#[path = "../benches/generator/mod.rs"]
mod generator;

use bench::measure::{Measured, Phase, measure};
use bench::rows::{How, Part, Row, rows};
use bench::{document, machine};
use generator::Kind;

/// A size that brute force can judge as well.
const TINY: usize = 8;

/// A size that the search can judge whatever the shape.
const SMALL: usize = 60;

fn small(row: Row) -> Row {
    let mut row = row;
    row.shape.operations = if row.is_tiny() { TINY } else { SMALL };
    row.shape.clients = row.shape.clients.min(4);
    row.seeds = row.seeds.min(2);
    row
}

fn measured() -> Vec<(Row, Measured)> {
    let measured = |row: Row| {
        let mut found = measure(&row, Phase::Time);
        found.bytes = measure(&row, Phase::Memory).bytes;
        (row, found)
    };
    rows().into_iter().map(small).map(measured).collect()
}

#[test]
fn every_row_can_be_measured() {
    let rows = measured();
    for (row, found) in &rows {
        assert!(!found.is_wrong(row), "{}: {found:?}", row.name());
        if row.check().is_some() {
            assert!(found.is_decided(), "{}: {found:?}", row.name());
            assert!(found.fastest() <= found.median() && found.fastest() > Some(0.0));
        }
    }
    let page = document::page(&machine::describe(), &rows);
    for part in Part::ALL {
        assert!(page.contains(part.title()), "{}", part.title());
    }
    for (row, found) in &rows {
        assert!(page.contains(&format!("| {} |", row.name())), "{}", row.name());
        assert!(document::line(row, found).contains(&row.name()));
    }
}

/// What the issue asks to be shown must be among the rows.
#[test]
fn no_row_that_must_be_shown_is_missing() {
    let has = |kind, clients, operations, fits: &dyn Fn(&Row) -> bool| {
        let found = rows().into_iter().any(|row| {
            let shape = row.shape;
            let size = (shape.kind, shape.clients, shape.operations);
            size == (kind, clients, operations) && fits(&row)
        });
        assert!(found, "{kind:?}, {clients} clients, {operations} operations");
    };
    for kind in [Kind::Register, Kind::CasRegister] {
        for operations in [10_000, 100_000, 1_000_000] {
            for planted in [false, true] {
                has(kind, 50, operations, &|row| {
                    row.shape.planted == planted && row.shape.indeterminate == 50
                });
            }
        }
        has(kind, 50, 1_000_000, &|row| row.how == How::File);
    }
    let few = |row: &Row| row.shape.values == Some(5);
    has(Kind::CasRegister, 10, 10_000, &few);
    has(Kind::CasRegister, 20, 10_000, &few);
    has(Kind::CasRegister, 50, 1_000, &|row| few(row) && row.seeds == 10);
    has(Kind::CasRegister, 10, 10_000, &|row| few(row) && row.shape.indeterminate == 50);
    has(Kind::Queue, 10, 100_000, &|_| true);
    has(Kind::CasRegister, 20, 1_000_000, &|row| row.shape.keys == 100);
}

#[test]
fn the_slope_is_the_exponent_of_growth() {
    let points = [1e4_f64, 1e5, 1e6].map(|n| (n.ln(), (3.0 * n.powf(1.5)).ln()));
    assert!((document::exponent(&points) - 1.5).abs() < 1e-9);
}
