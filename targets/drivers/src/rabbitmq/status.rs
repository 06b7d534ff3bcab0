//! Who leads, as one node sees it: the page of its queues, which tells where the leader of each is, but
//! of no term.

use serde_json::{Value, json};

use crate::answer::{Answer, Wrong};
use crate::message::{Hello, Node};
use crate::page::page;

/// The queues of the only virtual host, without what is counted of them.
const QUEUES: &str = "/api/queues/%2F?columns=name,leader,node";

/// `guest` with the password `guest`.
const GUEST: &str = "Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n";

/// What a node says of every queue.
pub(super) async fn status(node: &Node, hello: &Hello) -> Answer {
    let own = hello.nodes.iter().find(|(_, other)| *other == node).map(|(name, _)| name.as_str());
    let address = node.address("management").map_err(Wrong::Fail)?;
    let told = page(&address, QUEUES, GUEST).await?;
    Ok(json!({"groups": groups(&told, own.unwrap_or_default())}))
}

/// The queues of a page, each with the role that `own` has in it. A node is called `n1@n1` there.
fn groups(told: &Value, own: &str) -> Vec<Value> {
    let queues = told.as_array().into_iter().flatten();
    let group = |queue: &Value| {
        let leader = queue["leader"].as_str().or_else(|| queue["node"].as_str())?;
        let leader =
            leader.split_once('@').map(|(name, _)| name).filter(|name| !name.is_empty())?;
        let role = if leader == own { "leader" } else { "follower" };
        Some(json!({"group": queue["name"], "role": role, "leader": leader}))
    };
    queues.filter_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_of_every_queue() {
        let page = json!([
            {"name": "a", "leader": "n1@n1", "node": "n1@n1"},
            {"name": "b", "node": "n2@n2"},
            {"name": "c", "leader": ""},
            {"name": "d"},
        ]);
        assert_eq!(
            groups(&page, "n2"),
            [
                json!({"group": "a", "role": "follower", "leader": "n1"}),
                json!({"group": "b", "role": "leader", "leader": "n2"}),
            ]
        );
        assert!(groups(&json!({"error": "not_authorised"}), "n2").is_empty());
    }
}
