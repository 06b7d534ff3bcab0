//! The name of a node's user: what programs of a node find when they look it up.
//!
//! The number is always the same one ([`NODE_USER`]); files of the node belong to it in any case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::error::LabError;
use super::ids::NODE_USER;
use super::launch::Launch;
use super::mounts;

/// Where users are looked up, and their groups.
const USERS: &str = "/etc/passwd";
const GROUPS: &str = "/etc/group";

/// The shell of a user.
const SHELL: &str = "/bin/sh";

/// The reason why servers cannot be given users by name here, if there is one.
#[must_use]
pub fn lacks_user_names() -> Option<String> {
    let missing = [USERS, GROUPS].into_iter().find(|file| fs::read_to_string(file).is_err());
    let missing =
        missing.map(|file| format!("`{file}` cannot be read, where programs look users up"));
    let nowhere = || "there is no directory `/run`".to_owned();
    missing.or_else(|| (!Path::new("/run").is_dir()).then(nowhere))
}

/// Lets programs of this node find its user by name, if it has one.
///
/// # Errors
/// When this machine has no file in which users are looked up.
pub(crate) fn show(launch: &Launch) -> Result<(), LabError> {
    let Some(user) = &launch.reach.user else { return Ok(()) };
    if let Some(why) = lacks_user_names() {
        return Err(LabError::Unavailable {
            what: format!("give servers the user `{user}`"),
            why,
            mend: "make these files, or leave `node.user` out".to_owned(),
        });
    }
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let home = launch.dir.display();
    let own = format!("{user}:x:{NODE_USER}:{NODE_USER}:{user}:{home}:{SHELL}");
    let users = with(&read(USERS), &own);
    let groups = with(&read(GROUPS), &format!("{user}:x:{NODE_USER}:"));
    mounts::replace(&[(USERS, &users), (GROUPS, &groups)])
}

/// What a program that runs as this user finds in its environment, unless the target says otherwise.
pub(crate) fn environment(env: &mut BTreeMap<String, String>, user: &str, home: &Path) {
    let home = home.display().to_string();
    for (name, value) in [("HOME", home.as_str()), ("USER", user), ("LOGNAME", user)] {
        env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

/// A table of users or groups with this line, and without any other of the same name or number.
fn with(table: &str, own: &str) -> String {
    let name = own.split(':').next();
    let number = NODE_USER.to_string();
    let other = |line: &&str| {
        let mut fields = line.split(':');
        fields.next() != name && fields.nth(1) != Some(number.as_str())
    };
    let others = table.lines().filter(other).map(|line| format!("{line}\n"));
    [format!("{own}\n")].into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_number_stand_once() {
        let machine = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104::/var:/bin/sh\n\
                       alice:x:1000:1000::/alice:/bin/sh\nbroken\n\nbob:x:1001:1000::/:/bin/sh";
        let own = "postgres:x:1000:1000:postgres:/n1:/bin/sh";
        assert_eq!(
            with(machine, own),
            "postgres:x:1000:1000:postgres:/n1:/bin/sh\nroot:x:0:0:root:/root:/bin/bash\nbroken\n\n\
             bob:x:1001:1000::/:/bin/sh\n"
        );
    }

    #[test]
    fn what_the_target_says_stays() {
        let mut env = BTreeMap::from([("HOME".to_owned(), "/elsewhere".to_owned())]);
        environment(&mut env, "postgres", Path::new("/n1"));
        let env: Vec<(&str, &str)> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(env, [("HOME", "/elsewhere"), ("LOGNAME", "postgres"), ("USER", "postgres")]);
    }
}
