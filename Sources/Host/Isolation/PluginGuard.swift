// What this program says when a plugin that runs inside of it crashes, calls exit() or never returns. Installed by the
// command before any plugin is loaded.

import CIsolation
import Synchronization

/// The guard of plugins in this process.
package enum PluginGuard {
  private static let saving = Mutex<(@Sendable () -> Void)?>(nil)

  /// A crash inside a plugin is named (component, function, step) before it takes its course; exit() in a plugin ends
  /// with 69.
  package static func install() { iso_guard() }

  /// Ends the program with 69 when one call takes longer than `seconds`; 0 = never.
  package static func watch(seconds: Double) { iso_watch(seconds) }

  /// What is done before that, on a thread of its own, while the call is still held; nil = nothing.
  package static func onGivingUp(_ save: (@Sendable () -> Void)?) {
    saving.withLock { $0 = save }
    iso_on_giving_up { PluginGuard.saving.withLock { $0 }?() }
  }
}
