//! The examples do what they say: their own code is run here, with its assertions.

#[path = "../../examples/own_model.rs"]
mod own_model;
#[path = "../../examples/ten_lines.rs"]
mod ten_lines;

#[test]
fn ten_lines_judge_a_register() {
    ten_lines::main();
}

#[test]
fn a_model_of_ones_own_is_judged_by_search() {
    own_model::main();
}
