//! The statements of PostgreSQL, as data.

use crate::sql::Dialect;

/// How PostgreSQL is spoken to.
pub(super) const DIALECT: Dialect = Dialect {
    user: "postgres",
    database: "postgres",
    placeholder: |number| format!("${number}"),
    statements: &[
        ("session", ""),
        ("begin", "BEGIN"),
        ("probe", "SELECT 1 FROM objects, elements, queue, ids WHERE false"),
        ("tables", TABLES),
        ("write", WRITE),
        ("swap", SWAP),
        (
            "append",
            "INSERT INTO objects (name, text) VALUES (:key, :value)
             ON CONFLICT (name) DO UPDATE SET text = concat(objects.text, excluded.text)",
        ),
        (
            "increment",
            "INSERT INTO objects (name, number) VALUES (:key, :by)
             ON CONFLICT (name) DO UPDATE SET number = objects.number + excluded.number",
        ),
        ("add", "INSERT INTO elements (name, number) VALUES (:key, :value) ON CONFLICT DO NOTHING"),
        (
            "dequeue",
            "DELETE FROM queue WHERE id =
               (SELECT id FROM queue WHERE name = :key ORDER BY id LIMIT 1 FOR UPDATE)
             RETURNING number",
        ),
        ("generate", "INSERT INTO ids DEFAULT VALUES RETURNING id"),
        (
            "update",
            "UPDATE objects SET number = :value, version = version + 1
             WHERE name = :key AND version = :expected RETURNING version;
             INSERT INTO objects (name, number, version)
             SELECT :key, :value::bigint, 1 WHERE :expected::bigint = 0
             ON CONFLICT DO NOTHING RETURNING version",
        ),
        ("txn-write", WRITE),
        (
            "txn-append",
            "INSERT INTO objects (name, elements) VALUES (:key, :value) ON CONFLICT (name)
             DO UPDATE SET elements = concat_ws(',', objects.elements, excluded.elements)",
        ),
    ],
};

const WRITE: &str = "INSERT INTO objects (name, number, text) VALUES (:key, :number, :text)
    ON CONFLICT (name) DO UPDATE SET number = excluded.number, text = excluded.text";

const SWAP: &str = "SELECT number, text FROM objects WHERE name = :key {lock};
    INSERT INTO objects (name, number, text) VALUES (:key, :number, :text)
    ON CONFLICT (name) DO UPDATE SET number = excluded.number, text = excluded.text";

/// Sessions that begin at the same time wait for each other.
const TABLES: &str = "SELECT pg_advisory_lock(1);
    CREATE TABLE IF NOT EXISTS objects (
      name text PRIMARY KEY, number bigint, text text, elements text, version bigint
    );
    CREATE TABLE IF NOT EXISTS elements (name text, number bigint, PRIMARY KEY (name, number));
    CREATE TABLE IF NOT EXISTS queue (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, number bigint
    );
    CREATE INDEX IF NOT EXISTS queue_by_name ON queue (name, id);
    CREATE TABLE IF NOT EXISTS ids (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
    SELECT pg_advisory_unlock(1)";

#[cfg(test)]
mod tests {
    use super::DIALECT;

    #[test]
    fn every_operation_has_its_statements() {
        crate::sql::assert_whole(&DIALECT);
    }
}
