//! The statements of MariaDB, as data.

use crate::sql::Dialect;

/// How MariaDB is spoken to.
pub(super) const DIALECT: Dialect = Dialect {
    user: "root",
    database: "test",
    placeholder: |_| "?".to_owned(),
    statements: &[
        ("session", ""),
        ("begin", "START TRANSACTION"),
        ("probe", "SELECT 1 FROM objects, elements, queue, ids LIMIT 0"),
        ("tables", TABLES),
        ("write", WRITE),
        ("swap", SWAP),
        (
            "append",
            "INSERT INTO objects (name, text) VALUES (:key, :value)
             ON DUPLICATE KEY UPDATE text = CONCAT(text, VALUES(text))",
        ),
        (
            "increment",
            "INSERT INTO objects (name, number) VALUES (:key, :by)
             ON DUPLICATE KEY UPDATE number = number + VALUES(number)",
        ),
        (
            "add",
            "INSERT INTO elements (name, number) VALUES (:key, :value)
             ON DUPLICATE KEY UPDATE number = VALUES(number)",
        ),
        ("dequeue", "DELETE FROM queue WHERE name = :key ORDER BY id LIMIT 1 RETURNING number"),
        ("generate", "INSERT INTO ids VALUES (NULL); SELECT LAST_INSERT_ID()"),
        // Every value is written once, so whoever finds its own has written it.
        (
            "update",
            "UPDATE objects SET number = :value, version = version + 1
             WHERE name = :key AND version = :expected;
             INSERT IGNORE INTO objects (name, number, version)
             SELECT :key, :value, 1 FROM DUAL WHERE :expected = 0;
             SELECT version FROM objects WHERE name = :key AND number = :value",
        ),
        ("txn-write", WRITE),
        (
            "txn-append",
            "INSERT INTO objects (name, elements) VALUES (:key, :value)
             ON DUPLICATE KEY UPDATE elements = CONCAT_WS(',', elements, VALUES(elements))",
        ),
    ],
};

const WRITE: &str = "INSERT INTO objects (name, number, text) VALUES (:key, :number, :text)
    ON DUPLICATE KEY UPDATE number = VALUES(number), text = VALUES(text)";

const SWAP: &str = "SELECT number, text FROM objects WHERE name = :key {lock};
    INSERT INTO objects (name, number, text) VALUES (:key, :number, :text)
    ON DUPLICATE KEY UPDATE number = VALUES(number), text = VALUES(text)";

const TABLES: &str = "CREATE TABLE IF NOT EXISTS objects (
      name varchar(255) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
      number bigint, text longtext CHARACTER SET utf8mb4, elements longtext CHARACTER SET ascii,
      version bigint
    ) ENGINE = InnoDB;
    CREATE TABLE IF NOT EXISTS elements (
      name varchar(255) CHARACTER SET ascii COLLATE ascii_bin, number bigint,
      PRIMARY KEY (name, number)
    ) ENGINE = InnoDB;
    CREATE TABLE IF NOT EXISTS queue (
      id bigint AUTO_INCREMENT PRIMARY KEY,
      name varchar(255) CHARACTER SET ascii COLLATE ascii_bin, number bigint, KEY (name, id)
    ) ENGINE = InnoDB;
    CREATE TABLE IF NOT EXISTS ids (id bigint AUTO_INCREMENT PRIMARY KEY) ENGINE = InnoDB";

#[cfg(test)]
mod tests {
    use super::DIALECT;

    #[test]
    fn every_operation_has_its_statements() {
        crate::sql::assert_whole(&DIALECT);
    }
}
