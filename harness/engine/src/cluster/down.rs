//! How faults end nodes, at once or politely, and how that is measured.

use fracas_checker::event::{NodeChange, NodeId};
use fracas_checker::fault::{Measurement, Stage};
use fracas_lab::{Gone, LabError, proofs};

use super::{Cluster, End, signal};

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
        let measure = |node: &NodeId| {
            let mut server = self.server(*node);
            let server = &mut *server;
            let process =
                if stage == Stage::Healed { &mut server.process } else { &mut server.killed };
            let missing =
                || LabError::Asked(format!("measure the end of {node}: it has no process"));
            let process = [process.as_mut().ok_or_else(missing)?];
            match how {
                End::Killed => proofs::kill(process, stage),
                End::Stopped => proofs::stop(process, stage),
            }
        };
        let each = nodes.iter().map(measure).collect::<Result<Vec<_>, _>>();
        each.map(|all| all.into_iter().flatten().collect())
    }

    /// Kills all processes of a node.
    ///
    /// # Errors
    /// When it is not running, or a process is left.
    pub fn kill(&self, node: NodeId) -> Result<Gone, LabError> {
        let mut server = self.server(node);
        let mut process = server
            .process
            .take()
            .ok_or(LabError::Asked(format!("kill node {node}: it is not running")))?;
        let gone = process.kill()?;
        server.killed = Some(process);
        self.view.forget(node);
        self.tell(node, server.incarnation, NodeChange::Killed);
        Ok(gone)
    }

    /// Ends a node as an operator does: the target's own signal first, SIGKILL after its grace.
    ///
    /// # Errors
    /// When it is not running, or a process is left.
    pub fn stop(&self, node: NodeId) -> Result<Gone, LabError> {
        let plan = &self.deployments.first.nodes[&node].stop;
        // Its lock is not held meanwhile: a server may take its time, and others only look.
        let process = self.server(node).process.take();
        let mut process =
            process.ok_or(LabError::Asked(format!("stop node {node}: it is not running")))?;
        let gone = process.terminate(signal(plan.signal), plan.grace)?;
        let mut server = self.server(node);
        server.killed = Some(process);
        self.view.forget(node);
        self.tell(node, server.incarnation, NodeChange::Killed);
        Ok(gone)
    }
}
