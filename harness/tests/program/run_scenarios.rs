//! What scenarios are for, on three nodes of the reference cluster: an election where one is meant, a
//! deposed leader that goes on, a node that is restarted. A scenario that is carried out and in which
//! nothing of that comes would find nothing, however often it is played.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Room, events, has_fuse, json as read, lab, slow};

/// The moment that a scenario is for, beyond faults that are in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// None: what its faults do to clocks, disks and links is all.
    Faults,
    /// Another generation is led after the first fault.
    Election,
    /// Another generation is led while links are cut.
    ElectionApart,
    /// So many further generations are led.
    Elections(usize),
    /// A node that led goes on, by itself and not started anew, when another one leads.
    Return,
    /// Every node is killed, and lives again.
    EveryNode,
}
use Moment::{Election, ElectionApart, Elections, EveryNode, Faults, Return};

/// A scenario, the seconds that its test takes, and the moment that it is for.
type Row = (&'static str, u32, Moment);

const NEW: &[Row] = &[
    ("bridge-leaders", 10, ElectionApart),
    ("hub-pauses", 12, ElectionApart),
    ("leader-pauses", 14, Return),
    ("followers-restart", 12, EveryNode),
    ("power-and-pause", 12, Return),
];

const OTHERS: &[Row] = &[
    ("absent-leader", 20, Return),
    ("rack", 16, Election),
    ("blackout", 10, Election),
    ("missed-writes", 12, Return),
    ("clock-ahead", 8, Faults),
    ("rough-day", 10, Faults),
    ("one-by-one", 12, ElectionApart),
    ("vote", 16, ElectionApart),
    ("return", 14, Return),
    ("gc-pause", 12, Return),
    ("minority-leader", 10, Return),
    ("lease-jump", 10, Return),
    ("stopped-clock", 16, Return),
    ("skew", 20, Faults),
    ("power-majority", 12, Election),
    ("lost-vote", 12, ElectionApart),
    ("election-storm", 14, Elections(3)),
    ("slow-disk", 12, Faults),
    ("late-answers", 10, Election),
    ("lost-sync", 10, Election),
    ("full-disks", 10, Faults),
    ("rolling-restart", 12, EveryNode),
    ("all-killed", 22, EveryNode),
    ("upgrade", 16, EveryNode),
    ("rolling-upgrade", 12, EveryNode),
    ("upgrade-and-back", 18, EveryNode),
    ("after-heal", 12, Return),
];

/// Those that change the members of the cluster, which regent cannot: `run_membership` plays them.
const OF_MEMBERS: [&str; 2] = ["newcomer", "replaced-members"];

/// Those that hit one process of a node, of which regent has no more: `run_processes` plays the first.
const OF_PROCESSES: [&str; 2] = ["half-pause", "half-kill"];

#[test]
fn scenarios_of_cuts_and_pauses_come_to_their_moment() {
    NEW[..3].iter().for_each(check);
}

#[test]
fn scenarios_of_restarts_come_to_their_moment() {
    NEW[3..].iter().for_each(check);
}

#[test]
fn all_other_scenarios_come_to_their_moment() {
    if slow() {
        OTHERS.iter().for_each(check);
    }
}

#[test]
fn every_scenario_is_in_the_table() {
    let listed = Room::new().run(&["list", "faults", "--format", "json"]).json();
    let names = listed.as_array().unwrap().iter().filter_map(|row| row["name"].as_str());
    let aims: BTreeSet<&str> = names.filter_map(|name| name.strip_prefix("--aim ")).collect();
    let played = NEW.iter().chain(OTHERS).map(|(name, ..)| *name);
    let played: BTreeSet<&str> = played.chain(OF_MEMBERS).chain(OF_PROCESSES).collect();
    assert_eq!(aims, played);
}

#[track_caller]
fn check(row: &Row) {
    let (name, seconds, moment) = *row;
    let Some(_lab) = lab() else { return };
    if !has_fuse() {
        return;
    }
    let room = Room::new();
    let time = format!("--time={seconds}s");
    let next = format!("--binary-next={}", room.regent());
    let light = ["--workload=register", "--rate=40/s", "--clients=3"];
    let flags = ["run", "regent", "--nodes=3", "--seed=1", "--min-elections=0"];
    let flags = [&flags[..], &light].concat();
    let flags = [&flags[..], &["--faults=all,upgrade", "--aim"]].concat();
    let more = [name, &time, &next];
    let ended = room.run(&[&flags[..], &more[..]].concat());
    assert_ne!(ended.code, Some(1), "a correct cluster was blamed under {name}: {ended:#?}");
    assert!(matches!(ended.code, Some(0 | 2)), "{name} was not played: {ended:#?}");
    let run = room.only_run();
    every_step_was_in_effect(name, &read(&run.join("schedule.json")));
    let seen = Seen::of(&events(&run));
    assert!(seen.has(moment), "{name} never came to {moment:?}: {seen:#?}");
    room.assert_nothing_left();
}

/// Of the acts that are alike but for chance and for the number of their round, at least one was
/// proven.
#[track_caller]
fn every_step_was_in_effect(name: &str, schedule: &Value) {
    let mut proven: BTreeMap<String, bool> = BTreeMap::new();
    for actual in schedule["actual"].as_array().unwrap() {
        let place = actual["act"].as_u64().unwrap() as usize - 1;
        let mut act = schedule["planned"][place]["act"].clone();
        for chance in ["draw", "link"] {
            act.as_object_mut().unwrap().remove(chance);
        }
        if act["whom"]["hit-by"].is_number() {
            act["whom"] = "hit-by".into();
        }
        *proven.entry(act.to_string()).or_default() |= actual["effective"].is_array();
    }
    assert!(!proven.is_empty(), "{name}: nothing was planned");
    assert!(proven.values().all(|proven| *proven), "{name}: {proven:#?}");
}

/// What a history shows of leaders and nodes.
#[derive(Debug, Default)]
struct Seen {
    /// Who was seen leading each generation first, when, and in which incarnation of that node.
    reigns: BTreeMap<u64, (u64, String, u64)>,
    /// When each node was heard of last, by node and incarnation.
    heard: BTreeMap<(String, u64), u64>,
    /// When the first fault began.
    first_fault: Option<u64>,
    /// From when to when links were certainly cut.
    cuts: Vec<(u64, u64)>,
    killed: BTreeSet<String>,
    nodes: BTreeSet<String>,
}

impl Seen {
    fn of(events: &[Value]) -> Self {
        let mut seen = Self::default();
        let mut cuts: BTreeMap<u64, u64> = BTreeMap::new();
        for event in events {
            let time = event["time"].as_u64().unwrap();
            match (event["event"].as_str().unwrap(), event["step"].as_str()) {
                ("observe", _) => seen.observe(event, time),
                ("node", _) if event["change"]["what"] == "killed" => {
                    seen.killed.insert(text(&event["node"]));
                }
                ("fault", Some("begin")) => {
                    seen.first_fault.get_or_insert(time);
                    if event["fault"]["kind"] == "partition" {
                        cuts.insert(event["id"].as_u64().unwrap(), time);
                    }
                }
                ("fault", Some("proof")) if event["stage"] == "held" => {
                    let since = cuts.remove(&event["id"].as_u64().unwrap());
                    seen.cuts.extend(since.map(|since| (since, time)));
                }
                _ => {}
            }
        }
        seen
    }

    fn observe(&mut self, event: &Value, time: u64) {
        let (node, incarnation) = (text(&event["node"]), event["incarnation"].as_u64().unwrap());
        if event["grade"] != "claim" {
            return;
        }
        if let (Some("leader"), Some(generation)) =
            (event["role"].as_str(), event["generation"].as_u64())
        {
            self.reigns.entry(generation).or_insert((time, node.clone(), incarnation));
        }
        self.nodes.insert(node.clone());
        self.heard.insert((node, incarnation), time);
    }

    /// When further generations were seen to be led, after the first fault.
    fn elections(&self) -> impl Iterator<Item = u64> {
        let first = self.first_fault.unwrap_or(u64::MAX);
        self.reigns.values().skip(1).map(|(time, ..)| *time).filter(move |time| *time > first)
    }

    fn has(&self, moment: Moment) -> bool {
        match moment {
            Faults => true,
            Election => self.elections().count() > 0,
            Elections(count) => self.elections().count() >= count,
            ElectionApart => {
                let apart = |time| self.cuts.iter().any(|(from, to)| (*from..*to).contains(&time));
                self.elections().any(apart)
            }
            Return => {
                let next = self.reigns.values().skip(1);
                self.reigns.values().zip(next).any(|((_, node, incarnation), (time, other, _))| {
                    let heard = self.heard.get(&(node.clone(), *incarnation));
                    node != other && heard.is_some_and(|heard| heard > time)
                })
            }
            EveryNode => self.killed.len() == self.nodes.len(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
