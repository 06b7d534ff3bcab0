//! Objects that are several nodes, after ZooKeeper's own recipes: sets, queues, locks, ids.

use serde_json::{Value, json};
use zookeeper_client::{CreateMode, Error};

use super::{ROOT, Zookeeper, done, wrong};
use crate::answer::{Answer, Wrong};
use crate::message::Operation;

/// How long the number is that the server gives a sequential node.
const SEQUENCE_DIGITS: usize = 10;

fn set(key: &str) -> String {
    format!("{ROOT}/sets/{key}")
}

fn queue(key: &str) -> String {
    format!("{ROOT}/queues/{key}")
}

fn lock(key: &str) -> String {
    format!("{ROOT}/locks/{key}")
}

impl Zookeeper {
    /// An element is a node of its own.
    pub(super) async fn add(&self, key: &str, element: i64) -> Answer {
        let path = format!("{}/{element}", set(key));
        match self.create(&path, b"", CreateMode::Persistent).await {
            Ok(_) | Err(Error::NodeExists) => Ok(done()),
            Err(error) => Err(wrong(&error)),
        }
    }

    pub(super) async fn remove(&self, key: &str, element: i64) -> Answer {
        match self.session.delete(&format!("{}/{element}", set(key)), None).await {
            Ok(()) | Err(Error::NoNode) => Ok(done()),
            Err(error) => Err(wrong(&error)),
        }
    }

    pub(super) async fn contains(&self, key: &str, element: i64) -> Answer {
        self.look().await?;
        let found = self.session.check_stat(&format!("{}/{element}", set(key))).await;
        let found = found.map_err(|error| wrong(&error))?;
        Ok(json!({"present": found.is_some()}))
    }

    pub(super) async fn read_all(&self, key: &str) -> Answer {
        self.look().await?;
        let names = self.children(&set(key)).await?;
        let elements: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
        let unknown = || Wrong::Info("not what a driver writes".to_owned());
        Ok(json!({"values": elements.ok_or_else(unknown)?}))
    }

    /// The server numbers the elements.
    pub(super) async fn enqueue(&self, key: &str, value: &Value) -> Answer {
        let (path, data) = (format!("{}/e-", queue(key)), value.to_string().into_bytes());
        let created = self.create(&path, &data, CreateMode::PersistentSequential).await;
        created.map(|_| done()).map_err(|error| wrong(&error))
    }

    /// Whoever removes the first element has it. An old list is as good as a new one: whatever came
    /// before its first element is gone for good.
    pub(super) async fn dequeue(&self, key: &str) -> Answer {
        self.look().await?;
        let names = self.children(&queue(key)).await?;
        let Some(first) = names.iter().min_by_key(|name| number(name)) else {
            return Ok(json!({"value": null}));
        };
        let path = format!("{}/{first}", queue(key));
        let (data, _) = self.session.get_data(&path).await.map_err(|error| wrong(&error))?;
        let unknown = |error| Wrong::Info(format!("not what a driver writes: {error}"));
        let value: Value = serde_json::from_slice(&data).map_err(unknown)?;
        self.session.delete(&path, None).await.map_err(|error| wrong(&error))?;
        Ok(json!({"value": value}))
    }

    /// A lock is a node that ends with the session; the token is the number of the write that made
    /// it.
    pub(super) async fn acquire(&mut self, key: &str, operation: &Operation) -> Answer {
        if operation.argument("ttl_ms").is_ok() {
            return Err(Wrong::Fail("ZooKeeper has no leases of a chosen length".to_owned()));
        }
        let made = self.create(&lock(key), b"", CreateMode::Ephemeral).await;
        let (stat, _) = made.map_err(|error| wrong(&error))?;
        self.locks.insert(key.to_owned());
        Ok(json!({"token": stat.czxid}))
    }

    /// Only what this session made is removed: while the session lives, nobody else's node is there.
    pub(super) async fn release(&mut self, key: &str) -> Answer {
        if !self.locks.contains(key) {
            return Err(Wrong::Fail("this session does not hold it".to_owned()));
        }
        let removed = self.session.delete(&lock(key), None).await;
        removed.map_err(|error| wrong(&error))?;
        self.locks.remove(key);
        Ok(done())
    }

    /// An id is the number that the server gives a node.
    pub(super) async fn generate(&self, key: &str) -> Answer {
        let path = format!("{ROOT}/ids/{key}/n-");
        let made = self.create(&path, b"", CreateMode::PersistentSequential).await;
        let (_, sequence) = made.map_err(|error| wrong(&error))?;
        Ok(json!({"value": sequence.into_i64()}))
    }

    /// The names of the nodes below a path; none where it is not there.
    async fn children(&self, path: &str) -> Result<Vec<String>, Wrong> {
        match self.session.list_children(path).await {
            Err(Error::NoNode) => Ok(Vec::new()),
            listed => listed.map_err(|error| wrong(&error)),
        }
    }
}

/// The number of a sequential node. Beyond 2^31 there are more digits, so the length counts first.
fn number(name: &str) -> (usize, &str) {
    let digits = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    (digits.len().max(SEQUENCE_DIGITS), digits)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn elements_are_in_the_order_of_their_numbers() {
        let mut names = ["e-0000000010", "e-0000000009", "e-0000002147483648", "e-2147483647"];
        names.sort_by_key(|name| number(name));
        assert_eq!(names, ["e-0000000009", "e-0000000010", "e-2147483647", "e-0000002147483648"]);
    }
}
