//! One leader per generation, decided by sorting and as a sequential model, on random claims.

use fracas_checker::budget::Budget;
use fracas_checker::event::NodeId;
use fracas_checker::leadership::evidence::Evidence;
use fracas_checker::leadership::{legal_by_model, splits};
use fracas_checker::observation::{Grade, Role, Source};
use proptest::prelude::*;

fn grade() -> impl Strategy<Value = Grade> {
    prop_oneof![Just(Grade::Hearsay), Just(Grade::Claim), Just(Grade::Record), Just(Grade::Effect)]
}

fn role() -> impl Strategy<Value = Option<Role>> {
    prop_oneof![4 => Just(Some(Role::Leader)), 1 => Just(Some(Role::Follower)), 1 => Just(None)]
}

fn evidence(nodes: u16) -> impl Strategy<Value = Evidence> {
    let when = (0..50_u64, 0..10_u64);
    let claim = (1..=nodes, role(), prop::option::weighted(0.9, 1..8_u64));
    (claim, grade(), when).prop_map(|((node, role, generation), grade, (since, lasts))| Evidence {
        index: 0,
        node: NodeId(node),
        role,
        generation,
        incarnation: Some(1),
        source: Source::Poll,
        grade,
        voted: None,
        since,
        time: since + lasts,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sorting_and_search_agree(claims in prop::collection::vec(evidence(3), 0..9)) {
        let legal = legal_by_model(&claims, &Budget::unlimited_time());
        prop_assert_eq!(legal, Some(splits(&claims).is_empty()), "{:#?}", claims);
    }

    #[test]
    fn one_node_never_splits(claims in prop::collection::vec(evidence(1), 0..30)) {
        prop_assert!(splits(&claims).is_empty());
        prop_assert_eq!(legal_by_model(&claims, &Budget::unlimited_time()), Some(true));
    }
}
