//! The log: one topic of a few partitions, each of them at whoever leads it.
//!
//! What a session knows of leaders comes from its own node alone. A record is sent once. Looking at
//! the log changes nothing, so that goes on where a leader has changed.

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_response::MetadataResponse;
use kafka_protocol::messages::{CreateTopicsResponse, FetchResponse, ProduceResponse};

use super::replay::Entry;
use super::requests::{
    CREATE, FETCH, METADATA, PRODUCE, create, fetch, fetched, metadata, produce, produced, told,
};
use super::wire::Link;
use crate::answer::Wrong;

/// How many partitions the topic has: keys share them.
const PARTITIONS: i32 = 8;

/// How often a reader asks who leads.
const PAUSE: Duration = Duration::from_millis(100);

/// The log, as one session sees it.
#[derive(Debug)]
pub(super) struct Log {
    /// The address of the node that is asked who leads.
    home: String,
    patience: Duration,
    acks: i16,
    /// Addresses of the leaders of partitions, as far as they are known.
    leaders: BTreeMap<i32, String>,
    links: BTreeMap<String, Link>,
}

/// How much of a partition is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// Up to this offset.
    Offset(i64),
    /// All that the leader lets consumers see.
    Visible,
}

impl Log {
    /// The log, with the topic made if it is not there.
    pub(super) async fn open(
        home: String,
        acks: i16,
        replicas: i16,
        patience: Duration,
    ) -> Result<Self, String> {
        let (leaders, links) = (BTreeMap::new(), BTreeMap::new());
        let mut log = Self { home, patience, acks, leaders, links };
        log.make(replicas).await?;
        Ok(log)
    }

    async fn make(&mut self, replicas: i16) -> Result<(), String> {
        if self.learn().await? {
            return Ok(());
        }
        let home = self.home.clone();
        let link = link(&mut self.links, &home).await?;
        let request = create(PARTITIONS, replicas, self.patience);
        let made: CreateTopicsResponse = link.ask(CREATE, &request).await?;
        let code = made.topics.first().map_or(0, |topic| topic.error_code);
        match ResponseError::try_from_code(code) {
            None | Some(ResponseError::TopicAlreadyExists) => Ok(()),
            Some(_) => Err(format!("the topic cannot be made: {}", told(code))),
        }
    }

    /// Asks the own node who leads; whether it knows the topic.
    async fn learn(&mut self) -> Result<bool, String> {
        let home = self.home.clone();
        let known = link(&mut self.links, &home).await?.ask(METADATA, &metadata()).await;
        let known: MetadataResponse = known.inspect_err(|_| drop(self.links.remove(&home)))?;
        self.leaders = leaders(&known);
        Ok(known.topics.iter().any(|topic| topic.error_code == 0 && !topic.partitions.is_empty()))
    }

    /// The address of whoever leads a partition.
    async fn leader(&mut self, partition: i32) -> Result<String, String> {
        if !self.leaders.contains_key(&partition) {
            self.learn().await?;
        }
        self.leaders.get(&partition).cloned().ok_or_else(|| "nobody is known to lead".to_owned())
    }

    /// What is known of the leader of a partition is no longer so.
    fn forget(&mut self, partition: i32, address: &str) {
        self.leaders.remove(&partition);
        self.links.remove(address);
    }

    /// Puts a record at the end of the partition of its key, once; its offset.
    pub(super) async fn append(&mut self, entry: &Entry) -> Result<i64, Wrong> {
        let refused = |why: String| Wrong::Fail(format!("nothing was sent: {why}"));
        let partition = partition(&entry.key);
        let request = produce(partition, entry, self.acks, self.patience).map_err(refused)?;
        let leader = self.leader(partition).await.map_err(refused)?;
        let told = match link(&mut self.links, &leader).await {
            Ok(link) => link.ask(PRODUCE, &request).await.map_err(Wrong::Info),
            Err(why) => Err(refused(why)),
        };
        let placed = told.and_then(|told: ProduceResponse| {
            let partition = told.responses.first().and_then(|it| it.partition_responses.first());
            partition.map_or_else(|| Err(Wrong::Info("an answer of nothing".to_owned())), produced)
        });
        placed.inspect_err(|_| self.forget(partition, &leader))
    }

    /// The records of a key, in their order, with their offsets.
    pub(super) async fn read(
        &mut self,
        key: &str,
        until: Until,
    ) -> Result<Vec<(i64, Entry)>, Wrong> {
        let (partition, mut all, mut next) = (partition(key), Vec::new(), 0);
        loop {
            match self.part(partition, next).await {
                Ok(part) => {
                    next = part.entries.last().map_or(next, |(offset, _)| offset + 1);
                    all.extend(part.entries.into_iter().filter(|(_, entry)| entry.key == key));
                    let end = match until {
                        Until::Offset(offset) => offset + 1,
                        Until::Visible => part.visible,
                    };
                    if next >= end {
                        all.retain(|(offset, _)| *offset < end);
                        return Ok(all);
                    }
                }
                // Another leader may have another log: from its beginning, then.
                Err(Wrong::Info(_)) => {
                    (all, next) = (Vec::new(), 0);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(wrong) => return Err(wrong),
            }
        }
    }

    /// What comes next in a partition.
    async fn part(&mut self, partition: i32, next: i64) -> Result<Part, Wrong> {
        let leader = self.leader(partition).await.map_err(Wrong::Info)?;
        let told = match link(&mut self.links, &leader).await {
            Ok(link) => link.ask(FETCH, &fetch(partition, next)).await,
            Err(why) => Err(why),
        };
        let told: FetchResponse = told.map_err(|why| {
            self.forget(partition, &leader);
            Wrong::Info(why)
        })?;
        let part = told.responses.first().and_then(|topic| topic.partitions.first());
        let part = part.ok_or_else(|| Wrong::Info("an answer of nothing".to_owned()))?;
        match ResponseError::try_from_code(part.error_code) {
            None => Ok(Part { entries: fetched(part)?, visible: part.high_watermark }),
            Some(_) => {
                self.forget(partition, &leader);
                Err(Wrong::Info(self::told(part.error_code)))
            }
        }
    }
}

/// A part of a partition.
struct Part {
    entries: Vec<(i64, Entry)>,
    /// Where what consumers may see ends.
    visible: i64,
}

/// The connection to an address, opened if there is none.
async fn link<'a>(
    links: &'a mut BTreeMap<String, Link>,
    address: &str,
) -> Result<&'a mut Link, String> {
    if !links.contains_key(address) {
        links.insert(address.to_owned(), Link::open(address).await?);
    }
    Ok(links.get_mut(address).expect("it was opened"))
}

/// The addresses of whoever leads.
fn leaders(known: &MetadataResponse) -> BTreeMap<i32, String> {
    let address = |id| {
        let broker = known.brokers.iter().find(|broker| broker.node_id == id)?;
        Some(format!("{}:{}", broker.host, broker.port))
    };
    let partitions = known.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.filter_map(|it| Some((it.partition_index, address(it.leader_id)?))).collect()
}

/// The partition of a key: the sum of its bytes decides.
fn partition(key: &str) -> i32 {
    let sum = key.bytes().fold(0_i32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    sum.rem_euclid(PARTITIONS)
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::metadata_response::{
        MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
    };

    use super::*;

    #[test]
    fn keys_are_spread_over_the_partitions() {
        let keys = (0..40).map(|number| partition(&format!("set-{number}")));
        let used: std::collections::BTreeSet<i32> = keys.collect();
        assert_eq!(used, (0..PARTITIONS).collect());
    }

    #[test]
    fn a_partition_without_a_leader_has_no_address() {
        let broker = MetadataResponseBroker::default()
            .with_node_id(2.into())
            .with_host("10.0.0.2".into())
            .with_port(9092);
        let led = |partition: i32, leader: i32| {
            MetadataResponsePartition::default()
                .with_partition_index(partition)
                .with_leader_id(leader.into())
        };
        let topic = MetadataResponseTopic::default().with_partitions(vec![led(0, 2), led(1, -1)]);
        let known = MetadataResponse::default().with_brokers(vec![broker]).with_topics(vec![topic]);
        assert_eq!(leaders(&known), [(0, "10.0.0.2:9092".to_owned())].into());
    }
}
