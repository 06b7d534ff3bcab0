//! What answers of etcd mean. The texts are etcd's own.

use super::locks::{renewed, seconds};
use super::transactions::results;
use super::*;

#[test]
fn only_a_lease_that_is_not_there_has_certainly_failed() {
    let gone = r#"{"error":"etcdserver: requested lease not found","code":5,"message":"etcdserver: requested lease not found"}"#;
    assert!(matches!(answered(404, gone), Err(Wrong::Fail(_))));
    let late = r#"{"error":"etcdserver: request timed out","code":14,"message":"etcdserver: request timed out"}"#;
    for (status, text) in [(503, late), (404, "404 page not found"), (200, "{"), (500, "5")] {
        assert!(matches!(answered(status, text), Err(Wrong::Info(_))), "{status} {text}");
    }
    assert_eq!(answered(200, r#"{"succeeded":true}"#), Ok(json!({"succeeded": true})));
}

#[test]
fn a_condition_that_does_not_hold_is_left_out() {
    assert!(succeeded(&json!({"header": {"revision": "4"}, "succeeded": true})));
    assert!(!succeeded(&json!({"header": {"revision": "4"}})));
}

#[test]
fn a_lease_lives_while_it_has_time() {
    let answer = |result: Value| json!({ "result": result });
    assert_eq!(renewed(&answer(json!({"ID": "7587", "TTL": "2"}))), Ok(true));
    assert_eq!(renewed(&answer(json!({"ID": "7587"}))), Ok(false));
    assert_eq!(renewed(&answer(json!({"ID": "7587", "TTL": "0"}))), Ok(false));
    let error = json!({"error": {"grpc_code": 14, "message": "etcdserver: request timed out"}});
    assert!(matches!(renewed(&error), Err(Wrong::Fail(_))));
}

#[test]
fn a_lease_lasts_at_least_as_long_as_its_holder_believes() {
    for (milliseconds, whole) in [(1, 1), (1_000, 1), (1_001, 2), (1_999, 2), (2_000, 2)] {
        assert_eq!(seconds(milliseconds), whole, "{milliseconds} ms");
    }
}

#[test]
fn every_part_of_a_transaction_has_its_own_answer() {
    let parts = [json!({"f": "read"}), json!({"f": "write"}), json!({"f": "read"})];
    let range = json!({"response_range": {"kvs": [{"key": "a", "value": encoded("[1,2]")}]}});
    let put = json!({"response_put": {"header": {"revision": "9"}}});
    let absent = json!({"response_range": {"header": {"revision": "9"}}});
    let answer = json!({"succeeded": true, "responses": [range, put, absent]});
    assert_eq!(results(&parts, &answer), Ok(vec![json!([1, 2]), Value::Null, Value::Null]));
    assert!(matches!(results(&parts[..2], &answer), Err(Wrong::Info(_))), "an answer too many");
    let strange = json!({"kvs": [{"key": "a", "value": encoded("no JSON")}]});
    assert!(matches!(first_value(&strange), Err(Wrong::Info(_))));
}
