//! The requests that are sent, in versions that brokers from 2.4 to 4 know, and what their answers
//! mean.

use std::io::Cursor;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use kafka_protocol::messages::produce_request::{
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{ApiKey, TopicName};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::replay::Entry;
use super::wire::{Request, text};
use crate::answer::Wrong;

/// The topic; its name in the groups of brokers that lead its partitions.
pub(super) const TOPIC: &str = "fracas";

pub(super) const METADATA: Request = Request { key: ApiKey::Metadata, version: 8 };
pub(super) const CREATE: Request = Request { key: ApiKey::CreateTopics, version: 4 };
pub(super) const PRODUCE: Request = Request { key: ApiKey::Produce, version: 7 };
pub(super) const FETCH: Request = Request { key: ApiKey::Fetch, version: 11 };

/// How much of a log one answer may bring, in bytes.
const FETCH_MAX: i32 = 16 << 20;

/// The offset of what was not appended.
const NOWHERE: i64 = -1;

/// How long a broker may wait for the next record.
const FETCH_WAIT: Duration = Duration::from_millis(50);

fn topic() -> TopicName {
    TopicName(StrBytes::from_static_str(TOPIC))
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// Who leads which partition of the topic, as the broker that is asked knows it.
pub(super) fn metadata() -> MetadataRequest {
    let asked = MetadataRequestTopic::default().with_name(Some(topic()));
    MetadataRequest::default().with_topics(Some(vec![asked])).with_allow_auto_topic_creation(false)
}

/// Makes the topic.
pub(super) fn create(partitions: i32, replicas: i16, within: Duration) -> CreateTopicsRequest {
    let made = CreatableTopic::default()
        .with_name(topic())
        .with_num_partitions(partitions)
        .with_replication_factor(replicas);
    CreateTopicsRequest::default().with_topics(vec![made]).with_timeout_ms(millis(within))
}

/// The time that a record bears. One that seems to be old is removed by a broker that keeps records
/// for a while only.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Appends a record to a partition.
pub(super) fn produce(
    partition: i32,
    entry: &Entry,
    acks: i16,
    within: Duration,
) -> Result<ProduceRequest, String> {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: now(),
        key: None,
        value: Some(serde_json::to_vec(entry).map_err(text)?.into()),
        headers: Default::default(),
    };
    let mut records = Vec::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut records, [&record], &options).map_err(text)?;
    let data =
        PartitionProduceData::default().with_index(partition).with_records(Some(records.into()));
    let data = TopicProduceData::default().with_name(topic()).with_partition_data(vec![data]);
    Ok(ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(millis(within))
        .with_topic_data(vec![data]))
}

/// Where a record was put, or what its error means. A broker that refuses a record before it appends
/// it tells of no offset. Others have been appended, and whether they stay is not known: a broker that
/// is deposed while it waits for its followers says that it does not lead.
pub(super) fn produced(answer: &PartitionProduceResponse) -> Result<i64, Wrong> {
    use ResponseError::{
        FencedLeaderEpoch, LeaderNotAvailable, NotEnoughReplicas, NotLeaderOrFollower,
        UnknownLeaderEpoch, UnknownTopicOrPartition,
    };
    let Some(code) = Some(answer.error_code).filter(|code| *code != 0) else {
        return match answer.base_offset {
            NOWHERE => Err(Wrong::Info("appended nowhere".to_owned())),
            offset => Ok(offset),
        };
    };
    let why = told(code);
    match ResponseError::try_from_code(code) {
        Some(
            FencedLeaderEpoch
            | LeaderNotAvailable
            | NotEnoughReplicas
            | NotLeaderOrFollower
            | UnknownLeaderEpoch
            | UnknownTopicOrPartition,
        ) if answer.base_offset == NOWHERE => Err(Wrong::Fail(why)),
        _ => Err(Wrong::Info(why)),
    }
}

/// The records of a partition from `offset` on that consumers may see.
pub(super) fn fetch(partition: i32, offset: i64) -> FetchRequest {
    let asked = FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(NO_PARTITION_LEADER_EPOCH)
        .with_fetch_offset(offset)
        .with_log_start_offset(NOWHERE)
        .with_partition_max_bytes(FETCH_MAX);
    let asked = FetchTopic::default().with_topic(topic()).with_partitions(vec![asked]);
    FetchRequest::default()
        .with_replica_id((-1).into())
        .with_max_wait_ms(millis(FETCH_WAIT))
        .with_min_bytes(1)
        .with_max_bytes(FETCH_MAX)
        .with_session_epoch(-1)
        .with_topics(vec![asked])
}

/// Records with their offsets. The last batch of an answer may be cut off; it comes again.
pub(super) fn fetched(answer: &PartitionData) -> Result<Vec<(i64, Entry)>, Wrong> {
    let mut entries = Vec::new();
    let Some(records) = &answer.records else { return Ok(entries) };
    let mut batches = Cursor::new(records.to_vec());
    while let Ok(batch) = RecordBatchDecoder::decode(&mut batches) {
        for record in batch.records.iter().filter(|record| !record.control) {
            let value = record.value.as_deref().unwrap_or_default();
            let unknown = |error| Wrong::Info(format!("not what a driver writes: {error}"));
            entries.push((record.offset, serde_json::from_slice(value).map_err(unknown)?));
        }
    }
    Ok(entries)
}

/// An error of a broker, for people.
pub(super) fn told(code: i16) -> String {
    ResponseError::try_from_code(code)
        .map_or_else(|| format!("error {code}"), |error| format!("{error:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::replay::Action;
    use super::*;

    #[track_caller]
    fn check(error: ResponseError, offset: i64, fails: bool) {
        let answer = PartitionProduceResponse::default()
            .with_error_code(error.code())
            .with_base_offset(offset);
        let wrong = produced(&answer).unwrap_err();
        assert_eq!(matches!(wrong, Wrong::Fail(_)), fails, "{error:?}: {wrong:?}");
    }

    #[test]
    fn only_what_was_not_appended_has_failed() {
        check(ResponseError::NotLeaderOrFollower, NOWHERE, true);
        check(ResponseError::NotEnoughReplicas, NOWHERE, true);
        // Deposed while it waited for its followers.
        check(ResponseError::NotLeaderOrFollower, 7, false);
        check(ResponseError::NotEnoughReplicasAfterAppend, 7, false);
        check(ResponseError::NotEnoughReplicasAfterAppend, NOWHERE, false);
        check(ResponseError::RequestTimedOut, NOWHERE, false);
        check(ResponseError::KafkaStorageError, NOWHERE, false);
        let placed =
            |offset| produced(&PartitionProduceResponse::default().with_base_offset(offset));
        assert_eq!(placed(7), Ok(7));
        assert!(matches!(placed(NOWHERE), Err(Wrong::Info(_))));
    }

    #[test]
    fn a_record_is_fetched_as_it_was_produced() {
        let entry = Entry { key: "k".into(), id: "1".into(), action: Action::Put(json!(5)) };
        let sent = produce(0, &entry, -1, Duration::from_secs(1)).unwrap();
        let records = sent.topic_data[0].partition_data[0].records.clone();
        let answer = PartitionData::default().with_records(records.clone());
        assert_eq!(fetched(&answer).unwrap(), [(0, entry)]);
        let cut_off = records.unwrap();
        let cut_off =
            PartitionData::default().with_records(Some(cut_off.slice(..cut_off.len() - 3)));
        assert_eq!(fetched(&cut_off).unwrap(), []);
    }
}
