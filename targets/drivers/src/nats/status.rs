//! Who leads, as one server sees it: its page `/jsz`, which tells the leaders of the cluster's own
//! group and of each stream's group, but of no generation.

use crate::answer::{Answer, Wrong};
use crate::message::{Hello, Node};
use crate::page::page;
use serde_json::{Value, json};

/// The group that places streams.
const META: &str = "meta";

/// What a node says of every group that it is in.
pub(super) async fn status(node: &Node, hello: &Hello) -> Answer {
    let own = hello.nodes.iter().find(|(_, other)| *other == node).map(|(name, _)| name.as_str());
    let address = node.address("monitor").map_err(Wrong::Fail)?;
    let told = page(&address, "/jsz?streams=true", "").await?;
    Ok(json!({"groups": groups(&told, own.unwrap_or_default())}))
}

/// The groups of a page, each with the role that `own` has in it.
fn groups(told: &Value, own: &str) -> Vec<Value> {
    let streams = told["account_details"].as_array().into_iter().flatten();
    let streams = streams.flat_map(|account| account["stream_detail"].as_array()).flatten();
    let streams = streams.map(|stream| (&stream["name"], &stream["cluster"]["leader"]));
    let meta = Value::from(META);
    let all = [(&meta, &told["meta_cluster"]["leader"])].into_iter().chain(streams);
    let group = |(name, leader): (&Value, &Value)| {
        let leader = leader.as_str().filter(|leader| !leader.is_empty())?;
        let role = if leader == own { "leader" } else { "follower" };
        Some(json!({"group": name, "role": role, "leader": leader}))
    };
    all.filter_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_of_every_group() {
        let page = json!({
            "meta_cluster": {"leader": "n1"},
            "account_details": [{"stream_detail": [
                {"name": "KV_fracas", "cluster": {"leader": "n2"}},
                {"name": "other", "cluster": {"leader": ""}},
            ]}],
        });
        let told = groups(&page, "n2");
        assert_eq!(
            told,
            [
                json!({"group": "meta", "role": "follower", "leader": "n1"}),
                json!({"group": "KV_fracas", "role": "leader", "leader": "n2"}),
            ]
        );
        assert!(groups(&json!({}), "n2").is_empty(), "it knows no leader");
    }
}
