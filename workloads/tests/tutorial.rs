//! The pieces of the tutorial are those of the files that it builds.

use std::fs;
use std::path::Path;

#[test]
fn every_piece_of_the_tutorial_is_in_the_sources() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| {
        let path = here.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let page = read("../docs/writing-a-workload.md");
    let sources = ["src/counter.rs", "src/lib.rs", "tests/models/main.rs"].map(read);
    let pieces: Vec<&str> =
        page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(pieces.len() > 8, "{pieces:?}");
    for piece in pieces {
        assert!(
            sources.iter().any(|source| source.contains(piece)),
            "not in the sources:\n{piece}"
        );
    }
}
