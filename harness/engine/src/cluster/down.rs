//! How faults end nodes, at once or politely, and how that is measured.

use fracas_checker::event::{NodeChange, NodeId};
use fracas_checker::fault::{Measurement, Stage};
use fracas_lab::LabError;
use fracas_lab::agent::{Measure, Order};

use super::{Cluster, End, State, signal};

impl Cluster {
    /// Measures the end of some nodes: of what was ended while it lasts, of what was started again
    /// afterwards.
    ///
    /// # Errors
    /// When one of them was not ended, or not started again.
    pub fn measure_end(
        &self,
        nodes: &[NodeId],
        stage: Stage,
        how: End,
    ) -> Result<Vec<Measurement>, LabError> {
        let of = |node: &NodeId| match how {
            End::Killed => Measure::Kill(*node),
            End::Stopped => Measure::Stop(*node),
        };
        self.measure(nodes.iter().map(of), stage)
    }

    /// Kills all processes of a node.
    ///
    /// # Errors
    /// When it is not running, or a process is left.
    pub fn kill(&self, node: NodeId) -> Result<(), LabError> {
        let mut server = self.server(node);
        if server.state != State::Running {
            return Err(LabError::Asked(format!("kill node {node}: it is not running")));
        }
        server.state = State::Ended;
        self.ask::<()>(&Order::Kill(node))?;
        server.state = State::Killed;
        self.view.forget(node);
        self.tell(node, server.incarnation, NodeChange::Killed);
        Ok(())
    }

    /// Ends a node as an operator does: the target's own signal first, SIGKILL after its grace.
    ///
    /// # Errors
    /// When it is not running, or a process is left.
    pub fn stop(&self, node: NodeId) -> Result<(), LabError> {
        let plan = &self.deployments.first.nodes[&node].stop;
        // Its lock is not held meanwhile: a server may take its time, and others only look.
        if std::mem::take(&mut self.server(node).state) != State::Running {
            return Err(LabError::Asked(format!("stop node {node}: it is not running")));
        }
        self.ask::<()>(&Order::Terminate(node, signal(plan.signal), plan.grace))?;
        let mut server = self.server(node);
        server.state = State::Killed;
        self.view.forget(node);
        self.tell(node, server.incarnation, NodeChange::Killed);
        Ok(())
    }
}
