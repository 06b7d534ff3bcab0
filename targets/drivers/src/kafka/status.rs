//! Who leads, as one node sees it.
//!
//! A broker knows the leader of every partition, and its epoch, from one record of the cluster's own
//! log, and a controller that leads tells so with its epoch: each of them is of one moment.

use kafka_protocol::messages::describe_quorum_request::{
    DescribeQuorumRequest, PartitionData, TopicData,
};
use kafka_protocol::messages::describe_quorum_response::PartitionData as Led;
use kafka_protocol::messages::metadata_response::{MetadataResponse, MetadataResponsePartition};
use kafka_protocol::messages::{ApiKey, DescribeQuorumResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use serde_json::{Value, json};

use super::requests::{METADATA, TOPIC, metadata};
use super::wire::{Link, Request};
use crate::answer::{Answer, Wrong};
use crate::message::{Hello, Node};

const QUORUM: Request = Request { key: ApiKey::DescribeQuorum, version: 0 };

/// The log of the controllers.
const QUORUM_TOPIC: &str = "__cluster_metadata";

/// What brokers call the group of the controllers in their logs.
const CONTROLLERS: &str = "RaftManager";

/// What a node says of every group that it is in.
pub(super) async fn status(node: &Node, hello: &Hello) -> Answer {
    let own = hello.nodes.iter().find(|(_, other)| *other == node).map(|(name, _)| name.as_str());
    let own = own.unwrap_or_default();
    let [broker, controller] = ["client", "controller"].map(|port| node.address(port));
    let (broker, controller) = (broker.map_err(Wrong::Fail)?, controller.map_err(Wrong::Fail)?);
    let (partitions, quorum) = tokio::join!(partitions(&broker, own), quorum(&controller, own));
    let groups: Vec<Value> = quorum.into_iter().chain(partitions.unwrap_or_default()).collect();
    Ok(json!({"groups": groups}))
}

async fn partitions(address: &str, own: &str) -> Result<Vec<Value>, String> {
    let known = Link::open(address).await?.ask(METADATA, &metadata()).await?;
    Ok(led(&known, own))
}

async fn quorum(address: &str, own: &str) -> Result<Value, String> {
    let partition = PartitionData::default().with_partition_index(0);
    let topic = TopicData::default()
        .with_topic_name(TopicName(StrBytes::from_static_str(QUORUM_TOPIC)))
        .with_partitions(vec![partition]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let told = Link::open(address).await?.ask(QUORUM, &request).await?;
    Ok(controllers(&told, own))
}

/// A node is called `n2` here and 2 by Kafka.
fn name(id: i32) -> String {
    format!("n{id}")
}

/// What a controller tells: the one that leads its epoch too, any other one that it does not lead.
fn controllers(told: &DescribeQuorumResponse, own: &str) -> Value {
    let partition = told.topics.first().and_then(|topic| topic.partitions.first());
    let leads =
        |it: &&Led| told.error_code == 0 && it.error_code == 0 && name(it.leader_id.0) == own;
    match partition.filter(leads) {
        Some(own) => {
            json!({"group": CONTROLLERS, "role": "leader", "generation": own.leader_epoch})
        }
        None => json!({"group": CONTROLLERS, "role": "follower"}),
    }
}

/// The groups of partitions, each with the role that `own` has in it.
fn led(known: &MetadataResponse, own: &str) -> Vec<Value> {
    let partitions = known.topics.iter().flat_map(|topic| &topic.partitions);
    let with_leader = partitions.filter(|partition| partition.leader_id.0 > 0);
    let group = |partition: &MetadataResponsePartition| {
        let leader = name(partition.leader_id.0);
        let role = if leader == own { "leader" } else { "follower" };
        let group = format!("{TOPIC}-{}", partition.partition_index);
        json!({"group": group, "role": role, "generation": partition.leader_epoch, "leader": leader})
    };
    with_leader.map(group).collect()
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::describe_quorum_response::TopicData;
    use kafka_protocol::messages::metadata_response::MetadataResponseTopic;

    use super::*;

    #[test]
    fn a_broker_tells_of_every_partition_that_somebody_leads() {
        let led = |number: i32, leader: i32| {
            MetadataResponsePartition::default()
                .with_partition_index(number)
                .with_leader_id(leader.into())
                .with_leader_epoch(7)
        };
        let partitions = vec![led(0, 2), led(1, 3), led(2, -1)];
        let topic = MetadataResponseTopic::default().with_partitions(partitions);
        let known = MetadataResponse::default().with_topics(vec![topic]);
        assert_eq!(
            super::led(&known, "n2"),
            [
                json!({"group": "fracas-0", "role": "leader", "generation": 7, "leader": "n2"}),
                json!({"group": "fracas-1", "role": "follower", "generation": 7, "leader": "n3"}),
            ]
        );
    }

    #[test]
    fn only_the_leader_of_the_controllers_tells_an_epoch() {
        let told = |error: i16| {
            let partition =
                Led::default().with_leader_id(1.into()).with_leader_epoch(5).with_error_code(error);
            let topic = TopicData::default().with_partitions(vec![partition]);
            DescribeQuorumResponse::default().with_topics(vec![topic])
        };
        let leads = json!({"group": "RaftManager", "role": "leader", "generation": 5});
        let follows = json!({"group": "RaftManager", "role": "follower"});
        assert_eq!(controllers(&told(0), "n1"), leads);
        assert_eq!(controllers(&told(0), "n2"), follows, "another one leads");
        assert_eq!(controllers(&told(6), "n1"), follows, "it does not lead");
        assert_eq!(controllers(&DescribeQuorumResponse::default(), "n1"), follows);
    }
}
