//! How much of webhooks is kept and done at once, of one endpoint, of one workspace and of all.

/// How much is kept and done at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deliveries of one endpoint that may wait.
    pub waiting: usize,
    /// What the bodies of one endpoint's waiting deliveries may come to before further ones go without copies, in bytes.
    pub waiting_bytes: usize,
    /// What the bodies of everything that waits may come to, of all workspaces, in bytes. One gets at most half of what the
    /// others leave.
    pub all_waiting_bytes: usize,
    /// Deliveries of one endpoint that are kept after they ended.
    pub ended: usize,
    /// So many of these may be failed ones: as long as there are no more, others make room for them.
    pub failed: usize,
    /// What the bodies of those that ended may come to, in bytes.
    pub ended_bytes: usize,
    /// And those of all endpoints of a workspace.
    pub workspace_ended_bytes: usize,
    /// Attempts under way, of one endpoint. One that fails gets one at a time, so that it holds up nobody else.
    pub per_endpoint: usize,
    /// Attempts under way, of one workspace: its endpoints may all hang, and hold up no other's.
    pub per_workspace: usize,
    /// Attempts under way, of all.
    pub at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            waiting: 1_000,
            waiting_bytes: 16 * 1024 * 1024,
            all_waiting_bytes: 1024 * 1024 * 1024,
            ended: 200,
            failed: 150,
            ended_bytes: 8 * 1024 * 1024,
            workspace_ended_bytes: 32 * 1024 * 1024,
            per_endpoint: 8,
            per_workspace: 64,
            at_once: 512,
        }
    }
}
