//! What one status answer or log line told of role and generation.
//!
//! It becomes an observation once the harness adds when it was seen, and of which incarnation.

use fracas_checker::NodeId;
use fracas_checker::event::Text;
use fracas_checker::observation::{Grade, Role, Source};

/// Something a node told of itself or of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// How much it can carry.
    pub grade: Grade,
    /// From where it is.
    pub source: Source,
    /// Whom it is about; none means the node that was asked, or that wrote the line.
    pub node: Option<NodeId>,
    /// Of which group of nodes, where a node is in several.
    pub group: Option<Text>,
    /// That node's role, where told.
    pub role: Option<Role>,
    /// That node's generation, where told.
    pub generation: Option<u64>,
    /// Whom it takes for the leader, where told. Always hearsay.
    pub leader: Option<NodeId>,
    /// The last log index it has applied, where told.
    pub applied: Option<u64>,
    /// Whom it gave its vote in that generation, where told; on its disk before it was told.
    pub voted: Option<NodeId>,
    /// The answer or line, cut to a bounded length. Untrusted text.
    pub text: String,
}
