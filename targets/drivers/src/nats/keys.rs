//! Keys: the last message of a subject is the value of its key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{NO_MESSAGE, Nats, Reads, STREAM, SUBJECTS, error_of};
use crate::answer::{Answer, Wrong};
use crate::message::Operation;

/// What a key holds, and the number of the message that it is in; 0 if there is none.
struct Held {
    value: Value,
    number: i64,
}

fn subject(key: &str) -> String {
    format!("{SUBJECTS}.{key}")
}

fn refused(why: &str) -> Wrong {
    Wrong::Fail(why.to_owned())
}

impl Nats {
    /// What was never written is confirmed by writing that there is nothing.
    pub(super) async fn read(&self, key: &str) -> Answer {
        let held = self.held(key).await?;
        if self.reads == Reads::Confirmed {
            self.publish(subject(key), &held.value, Some(held.number)).await?;
        }
        Ok(json!({"value": held.value}))
    }

    pub(super) async fn write(&self, key: &str, value: &Value) -> Answer {
        self.publish(subject(key), value, None).await.map(|_| json!({}))
    }

    pub(super) async fn cas(&self, key: &str, operation: &Operation) -> Answer {
        let (old, new) = (operation.argument("old")?, operation.argument("new")?);
        let held = self.held(key).await?;
        if held.value != *old {
            return Err(refused("mismatch"));
        }
        self.publish(subject(key), new, Some(held.number)).await.map(|_| json!({}))
    }

    pub(super) async fn swap(&self, key: &str, value: &Value) -> Answer {
        let held = self.held(key).await?;
        self.publish(subject(key), value, Some(held.number)).await?;
        Ok(json!({"value": held.value}))
    }

    pub(super) async fn append(&self, key: &str, value: &Value) -> Answer {
        let held = self.held(key).await?;
        let before = held.value.as_str().unwrap_or_default().to_owned();
        let text = before + value.as_str().ok_or_else(|| refused("not a text"))?;
        self.publish(subject(key), &text.into(), Some(held.number)).await.map(|_| json!({}))
    }

    pub(super) async fn increment(&self, key: &str, by: i64) -> Answer {
        let held = self.held(key).await?;
        let before = held.value.as_i64().unwrap_or(0);
        let after = before.checked_add(by).ok_or_else(|| refused("the counter is full"))?;
        self.publish(subject(key), &after.into(), Some(held.number)).await.map(|_| json!({}))
    }

    /// An id is the number of a message.
    pub(super) async fn generate(&self, key: &str) -> Answer {
        let number = self.publish(subject(key), &Value::Null, None).await?;
        Ok(json!({"value": number}))
    }

    /// What whoever leads the stream has.
    async fn held(&self, key: &str) -> Result<Held, Wrong> {
        let asked = json!({"last_by_subj": subject(key)});
        let told = self.api(&format!("STREAM.MSG.GET.{STREAM}"), &asked).await?;
        match error_of(&told) {
            None => read(&told["message"]).ok_or_else(|| Wrong::Info(format!("unknown: {told}"))),
            Some((NO_MESSAGE, _)) => Ok(Held { value: Value::Null, number: 0 }),
            Some((_, why)) => Err(Wrong::Info(why)),
        }
    }
}

/// A stored message.
fn read(message: &Value) -> Option<Held> {
    let data = STANDARD.decode(message["data"].as_str()?).ok()?;
    let value = serde_json::from_slice(&data).ok()?;
    Some(Held { value, number: message["seq"].as_i64()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_holds_a_value_and_its_number() {
        let held = read(&json!({"subject": "$KV.fracas.k", "seq": 7, "data": "NQ=="})).unwrap();
        assert_eq!((held.value, held.number), (json!(5), 7));
        for broken in [json!({}), json!({"seq": 7, "data": "!"}), json!({"seq": 7, "data": "eA=="})]
        {
            assert!(read(&broken).is_none(), "{broken}");
        }
    }
}
