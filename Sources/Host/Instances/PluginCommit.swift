// `commit` of a whole batch: all instances or none. Before the first call every state is copied, unless the caller
// holds a copy; a failure restores all.

package import PluginAPI

/// A `commit` that is due.
package struct PendingCommit {
  /// Whose states change.
  package let instance: PluginInstance
  /// NULL for poolers.
  package let batch: UnsafePointer<cse_batch>?

  /// The commit of one instance; `batch` is nil for poolers.
  package init(instance: PluginInstance, batch: UnsafePointer<cse_batch>?) {
    self.instance = instance
    self.batch = batch
  }
}

/// Runs the commits in order; when one fails, all states are as before.
/// - Parameter keepsCopies: off where the caller holds a copy of all states and puts it back itself: a large queue is
///   not copied twice then.
/// - Throws: `PluginFailure` of the one that failed.
package func commitAll(_ commits: [PendingCommit], keepsCopies: Bool = true) throws {
  guard keepsCopies else {
    for commit in commits { try commit.instance.commit(commit.batch) }
    return
  }
  let states = commits.flatMap(\.instance.states)
  for state in states { state.remember() }
  do {
    for commit in commits { try commit.instance.commit(commit.batch) }
  } catch {
    for state in states { state.restore() }
    throw error
  }
}
