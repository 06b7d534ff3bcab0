//! The rules of the core, one by one, on a single node whose peers are played by the test.

use fracas_regent::bugs::Bug;
use fracas_regent::core::{Clocks, Config, Core, Effect, Input, Outputs, Saved};
use fracas_regent::log::Log;
use fracas_regent::messages::{
    Answer, AppendRequest, AppendResponse, Ask, Ballot, Command, Entry, Generation, Query, Reply,
    Request, RequestId, Response, Splice, SubmitRequest, SubmitResponse, VoteRequest, VoteResponse,
};
use fracas_regent::objects::{locks, registers};

const ELECTION_MS: u64 = 400;

/// The node `n1` of three.
struct Node {
    core: Core,
    now: u64,
}

impl Node {
    /// With a log of entries of these generations, the last of which it has seen.
    fn new(generations: &[Generation]) -> Self {
        Self::with(None, generations)
    }

    /// The same, with a planted bug.
    fn with(bug: Option<Bug>, generations: &[Generation]) -> Self {
        let nodes = ["n1", "n2", "n3"].map(str::to_owned);
        let config = Config {
            id: "n1".into(),
            nodes: nodes.into(),
            election_ms: ELECTION_MS,
            heartbeat_ms: 60,
            bug,
            seed: 1,
        };
        let mut log = Log::default();
        assert!(log.splice(Splice { from: 1, entries: entries(generations) }));
        let ballot = Ballot { generation: log.last_generation(), vote: None };
        Self { core: Core::new(config, Saved { ballot, log }, 0), now: 0 }
    }

    /// A node that leads generation `last + 1`, by the vote of `n2`, at this moment.
    fn leading(generations: &[Generation]) -> (Self, Outputs) {
        let mut node = Self::new(generations);
        let asked = node.wait(2 * ELECTION_MS);
        let response = VoteResponse { generation: node.generation(), granted: true };
        let outputs = node.answered(&asked, "n2", Response::Vote(response));
        assert_eq!(node.core.status().role, "leader");
        (node, outputs)
    }

    fn input(&mut self, input: Input) -> Outputs {
        self.core.step(self.now, input);
        self.core.flush()
    }

    /// Lets time pass as a process that runs sees it.
    fn wait(&mut self, time: u64) -> Outputs {
        let end = self.now + time;
        let mut outputs = Outputs::default();
        while self.now < end {
            self.now = self.core.next_tick().min(end);
            let more = self.input(Input::Tick);
            outputs.effects.extend(more.effects);
            outputs.ballot = more.ballot.or(outputs.ballot);
        }
        outputs
    }

    fn ask(&mut self, request: Request) -> (Response, Outputs) {
        let outputs = self.input(Input::Asked { token: 1, request });
        let answer = outputs.effects.iter().find_map(|effect| match effect {
            Effect::Answer { response, .. } => Some(response.clone()),
            _ => None,
        });
        (answer.expect("an answer"), outputs)
    }

    /// `from` answers the last request that `sent` has for it.
    fn answered(&mut self, sent: &Outputs, from: &str, response: Response) -> Outputs {
        let rpc = sent.effects.iter().rev().find_map(|effect| match effect {
            Effect::Send { rpc, to, .. } if to == from => Some(*rpc),
            _ => None,
        });
        let rpc = rpc.expect("a request to it");
        self.input(Input::Answered { rpc, from: from.into(), response: Some(response) })
    }

    fn client(&mut self, ask: Ask) -> Outputs {
        self.input(Input::Client { token: 7, ask })
    }

    fn generation(&self) -> Generation {
        self.core.status().generation
    }
}

fn entries(generations: &[Generation]) -> Vec<Entry> {
    let entry = |&generation| Entry::own(generation, Command::Noop);
    generations.iter().map(entry).collect()
}

fn read() -> Ask {
    Ask::Read(Query::Register { key: "x".into(), query: registers::Query::Value })
}

fn put(value: i64) -> Command {
    Command::Register { key: "x".into(), change: registers::Change::Put { value } }
}

fn vote(generation: Generation, candidate: &str, log: (Generation, u64)) -> Request {
    let (last_generation, last_index) = log;
    Request::Vote(VoteRequest {
        generation,
        candidate: candidate.into(),
        last_index,
        last_generation,
    })
}

fn append(generation: Generation, prev: (Generation, u64), new: &[Generation]) -> Request {
    let (prev_generation, prev_index) = prev;
    Request::Append(AppendRequest {
        generation,
        leader: "n2".into(),
        prev_index,
        prev_generation,
        entries: entries(new),
        commit: 0,
        round: 1,
    })
}

fn accepted(generation: Generation, last: u64, round: u64) -> Response {
    Response::Append(AppendResponse { generation, ok: true, last, round })
}

fn replies(outputs: &Outputs) -> Vec<&Reply> {
    let mut replies = Vec::new();
    for effect in &outputs.effects {
        if let Effect::Reply { reply, .. } = effect {
            replies.push(reply);
        }
    }
    replies
}

fn highest_round(outputs: &Outputs) -> u64 {
    let round = |effect: &Effect| match effect {
        Effect::Send { request: Request::Append(request), .. } => Some(request.round),
        _ => None,
    };
    outputs.effects.iter().filter_map(round).max().expect("a request")
}

#[track_caller]
fn check_vote(log: &[Generation], request: Request, expect: bool) {
    let (answer, outputs) = Node::new(log).ask(request);
    let Response::Vote(VoteResponse { generation, granted }) = answer else { panic!("{answer:?}") };
    assert_eq!(granted, expect);
    assert!(generation >= *log.last().unwrap_or(&0));
    let saved = outputs.ballot.and_then(|ballot| ballot.vote);
    assert_eq!(saved, expect.then(|| "n2".to_owned()), "a vote is saved with its answer");
}

#[test]
fn a_vote_goes_to_whoever_lacks_nothing() {
    check_vote(&[], vote(1, "n2", (0, 0)), true);
    check_vote(&[1, 1], vote(2, "n2", (1, 2)), true);
    check_vote(&[1, 1], vote(3, "n2", (2, 1)), true);
    check_vote(&[1, 1], vote(2, "n2", (1, 1)), false);
    check_vote(&[1, 2], vote(3, "n2", (1, 9)), false);
    check_vote(&[3], vote(2, "n2", (3, 9)), false);
}

#[test]
fn a_node_votes_once_in_a_generation_but_may_repeat_it() {
    let mut node = Node::new(&[]);
    for (candidate, expect) in [("n2", true), ("n3", false), ("n2", true)] {
        let (answer, _) = node.ask(vote(1, candidate, (0, 0)));
        let expect = VoteResponse { generation: 1, granted: expect };
        assert_eq!(answer, Response::Vote(expect), "{candidate}");
    }
}

#[test]
fn a_candidate_asks_again_until_the_election_ends() {
    let mut node = Node::new(&[]);
    let asked = node.wait(2 * ELECTION_MS);
    let refused = VoteResponse { generation: node.generation(), granted: false };
    let mut outputs = node.answered(&asked, "n2", Response::Vote(refused));
    outputs.effects.extend(node.wait(60).effects);
    let again = |effect: &Effect| matches!(effect, Effect::Send { to, .. } if to == "n2");
    assert!(outputs.effects.iter().any(again), "{outputs:?}");
}

#[track_caller]
fn check_append(log: &[Generation], request: Request, ok: bool, expect: &[Generation]) {
    let mut node = Node::new(log);
    let (answer, _) = node.ask(request);
    let Response::Append(answer) = answer else { panic!("{answer:?}") };
    assert_eq!(answer.ok, ok);
    assert!(answer.generation >= *log.last().unwrap_or(&0));
    let entries = node.core.log().tail(1, usize::MAX);
    assert_eq!(entries.iter().map(|e| e.generation).collect::<Vec<_>>(), expect);
}

#[test]
fn entries_are_taken_in_only_where_the_logs_agree() {
    check_append(&[], append(1, (0, 0), &[1]), true, &[1]);
    check_append(&[1], append(2, (1, 1), &[2, 2]), true, &[1, 2, 2]);
    check_append(&[1], append(2, (1, 2), &[2]), false, &[1]);
    check_append(&[1, 1], append(3, (2, 2), &[3]), false, &[1, 1]);
}

#[test]
fn what_differs_is_replaced_and_what_agrees_is_kept() {
    check_append(&[1, 1, 1], append(2, (1, 1), &[2]), true, &[1, 2]);
    check_append(&[1, 1, 1], append(1, (1, 1), &[1]), true, &[1, 1, 1]);
    check_append(&[1, 1, 1], append(1, (0, 0), &[]), true, &[1, 1, 1]);
}

#[test]
fn what_is_sent_again_with_something_new_is_appended_again_by_a_planted_bug_only() {
    let length = |bug| {
        let mut node = Node::with(bug, &[1]);
        node.ask(append(1, (1, 1), &[1, 1]));
        node.ask(append(1, (1, 1), &[1, 1, 1]));
        node.core.log().last_index()
    };
    assert_eq!(length(None), 4);
    assert_eq!(length(Some(Bug::ReordersOnDuplicate)), 6);
}

#[test]
fn a_leader_of_the_past_is_refused_with_the_present_generation() {
    check_append(&[1, 2], append(1, (1, 1), &[1]), false, &[1, 2]);
}

#[test]
fn a_leader_steps_down_at_once_when_it_hears_of_a_higher_generation() {
    let (mut node, _) = Node::leading(&[]);
    node.client(read());
    let generation = node.generation() + 1;
    let (_, outputs) = node.ask(vote(generation, "n3", (0, 0)));
    assert_eq!(node.core.status().role, "follower");
    assert_eq!(outputs.ballot, Some(Ballot { generation, vote: None }), "its log is behind");
    assert_eq!(replies(&outputs), [&Reply::Unknown { generation: generation - 1 }]);
}

/// A node that led generation 1 and now follows `n2` in generation 2, with a client that waits for
/// a write; and what it handed on.
fn deposed() -> (Node, (RequestId, Command)) {
    let (mut node, _) = Node::leading(&[]);
    node.client(Ask::Write(put(7)));
    let (_, outputs) = node.ask(append(2, (0, 0), &[2]));
    assert!(replies(&outputs).is_empty(), "the client still waits");
    let handed_on = outputs.effects.iter().find_map(|effect| match effect {
        Effect::Send { to, request: Request::Submit(submit), .. } if to == "n2" => Some(submit),
        _ => None,
    });
    let SubmitRequest { generation: 2, commands, .. } = handed_on.expect("it is handed on") else {
        panic!("{handed_on:?}");
    };
    (node, commands[0].clone())
}

/// The new leader hands over these entries, and all of them are committed.
fn committed(node: &mut Node, entries: Vec<Entry>) -> Outputs {
    let Request::Append(empty) = append(2, (2, 1), &[]) else { unreachable!("an append request") };
    let commit = 1 + entries.len() as u64;
    node.ask(Request::Append(AppendRequest { entries, commit, ..empty })).1
}

#[test]
fn what_a_deposed_leader_was_asked_is_handed_on_and_answered_from_its_log() {
    let (mut node, (request, command)) = deposed();
    let entry = Entry { generation: 2, command, request: Some(request) };
    let outputs = committed(&mut node, vec![entry.clone(), entry]);
    let [Reply::Done { outcome: Ok(Answer::Done {}), at: 2, by }] = &replies(&outputs)[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((by.node.as_str(), by.generation), ("n2", 2));
}

#[test]
fn what_is_handed_on_is_handed_on_again_until_it_is_too_late() {
    let (mut node, _) = deposed();
    let outputs = node.wait(2 * ELECTION_MS);
    let submits =
        |effect: &&Effect| matches!(effect, Effect::Send { request: Request::Submit(_), .. });
    let times = outputs.effects.iter().filter(submits).count();
    assert!(times > 3, "{times}");
    let told = replies(&outputs);
    assert!(matches!(told[..], [Reply::Unknown { .. }]), "{told:?}");
    let outputs = node.wait(200);
    assert_eq!(outputs.effects.iter().filter(submits).count(), 0);
}

#[test]
fn only_the_leader_that_is_meant_takes_what_is_handed_on() {
    let (mut node, _) = Node::leading(&[]);
    let generation = node.generation();
    for (meant, expect) in [(generation, true), (generation - 1, false), (generation + 1, false)] {
        let request = RequestId { session: 9, number: 1, floor: 1 };
        let commands = vec![(request, put(7))];
        let submit = SubmitRequest { generation: meant, from: "n2".into(), commands };
        let before = node.core.log().last_index();
        let (answer, _) = node.ask(Request::Submit(submit));
        let expect_answer = SubmitResponse { generation, taken: expect };
        assert_eq!(answer, Response::Submit(expect_answer), "{meant}");
        assert_eq!(node.core.log().last_index() - before, u64::from(expect));
    }
}

#[test]
fn a_leader_without_a_majority_steps_down() {
    let (mut node, _) = Node::leading(&[]);
    node.wait(2 * ELECTION_MS + 100);
    assert_ne!(node.core.status().role, "leader");
}

#[test]
fn an_entry_of_an_older_generation_is_not_committed_by_counting() {
    let (mut node, sent) = Node::leading(&[1]);
    let generation = node.generation();
    node.answered(&sent, "n2", accepted(generation, 1, 0));
    assert_eq!(node.core.status().commit, 0, "a majority has entry 1, but it is of generation 1");
    let sent = node.wait(200);
    node.answered(&sent, "n2", accepted(generation, 2, 0));
    assert_eq!(node.core.status().commit, 2);
}

#[test]
fn a_read_waits_for_a_majority_that_answered_after_it_came() {
    let (mut node, sent) = Node::leading(&[]);
    let generation = node.generation();
    let before = highest_round(&sent);
    let asked = node.client(read());
    assert!(replies(&asked).is_empty());
    let outputs = node.answered(&sent, "n2", accepted(generation, 1, before));
    assert_eq!(node.core.status().commit, 1);
    assert!(replies(&outputs).is_empty(), "that answer was to an earlier question");
    let round = highest_round(&asked);
    assert!(round > before);
    let outputs = node.answered(&asked, "n2", accepted(generation, 1, round));
    assert!(
        matches!(
            replies(&outputs)[..],
            [Reply::Done { outcome: Ok(Answer::Value { value: None }), .. }]
        ),
        "{outputs:?}"
    );
}

#[test]
fn a_leader_that_was_stopped_asks_before_it_answers() {
    let (mut node, sent) = Node::leading(&[]);
    let generation = node.generation();
    node.answered(&sent, "n2", accepted(generation, 1, highest_round(&sent)));
    node.now += 60_000;
    let outputs = node.client(read());
    assert!(replies(&outputs).is_empty());
    assert_eq!(node.core.status().role, "leader", "nobody was silent: it did not listen");
    let round = highest_round(&outputs);
    let outputs = node.answered(&outputs, "n2", accepted(generation, 1, round));
    assert!(
        matches!(replies(&outputs)[..], [Reply::Done { outcome: Ok(Answer::Value { .. }), .. }]),
        "{outputs:?}"
    );
}

#[test]
fn a_follower_that_answers_reads_answers_in_its_own_name() {
    let mut node = Node::with(Some(Bug::FollowerServesReads), &[]);
    let outputs = node.client(read());
    let [Reply::Done { by, .. }] = &replies(&outputs)[..] else { panic!("{outputs:?}") };
    assert_eq!((by.node.as_str(), by.generation), ("n1", node.generation()));
}

fn ends_a_lease(outputs: &Outputs) -> bool {
    outputs.effects.iter().any(|effect| match effect {
        Effect::Send { request: Request::Append(append), .. } => {
            append.entries.iter().any(|entry| {
                matches!(entry.command, Command::Lock { change: locks::Change::Expire { .. }, .. })
            })
        }
        _ => false,
    })
}

#[test]
fn a_lease_ends_by_the_leaders_steady_clock_not_early_and_not_by_the_wall() {
    let (mut node, elected) = Node::leading(&[1]);
    node.answered(&elected, "n2", accepted(2, 2, 1));
    let acquire = Command::Lock {
        key: "l".into(),
        change: locks::Change::Acquire { holder: 1, ttl_ms: Some(300) },
    };
    let asked = node.client(Ask::Write(acquire));
    let granted = node.answered(&asked, "n2", accepted(2, 3, 1));
    let reply = granted.effects.iter().find_map(|effect| match effect {
        Effect::Reply { reply, .. } => Some(reply.clone()),
        _ => None,
    });
    assert!(
        matches!(reply, Some(Reply::Done { outcome: Ok(Answer::Granted { token: 3 }), .. })),
        "{reply:?}"
    );

    assert!(!ends_a_lease(&node.wait(300)));
    node.core.step(Clocks { steady: node.now, wall: node.now + 60_000 }, Input::Tick);
    assert!(!ends_a_lease(&node.core.flush()));
    assert!(ends_a_lease(&node.wait(150)));
}
