// Which plugins run in processes of their own, and within which bounds: `--isolate`. Made by the command, asked by the
// registry, which then describes libraries without loading them here.

import Files
import Glibc
package import Kernels
package import Logging
import PluginGrammar
import PluginLoading
import Synchronization

/// The isolation of a run.
package final class Isolation: ComponentPlace {
  /// What a worker may use.
  package struct Bounds: Sendable, Equatable {
    /// Seconds one call may take; 0 = any.
    package var deadline: Double
    /// Bytes of memory of its own; 0 = any.
    package var memoryBytes: Int
    /// Threads of its parallel loops.
    package var threads: Int

    /// Seconds that starting and loading may take; a busy machine needs some for that.
    var startSeconds: Double { deadline > 0 ? max(deadline, 20) : 0 }

    /// Bounds by their parts.
    package init(deadline: Double, memoryBytes: Int, threads: Int) {
      self.deadline = deadline
      self.memoryBytes = memoryBytes
      self.threads = threads
    }
  }

  /// What each worker may use.
  package let bounds: Bounds
  /// What plugins are shown, at the same addresses on both sides.
  package let memory: SharedMemory
  /// Takes what workers log and print.
  package let logger: Logger
  /// Whether files are accepted that others could write.
  package let allowInsecure: Bool
  /// Components or libraries; empty = every plugin.
  private let names: [String]
  private let asked = Mutex<(components: [String], names: Set<String>)>(([], []))

  /// Opens the shared memory; must come before anything that plugins see is allocated.
  /// - Parameter names: Components, libraries (id, alias or path); empty for every plugin.
  /// - Throws: `UsageError.incomplete` where the system gives no shared memory.
  package init(names: [String], bounds: Bounds, allowInsecure: Bool, logger: Logger) throws {
    self.names = names
    self.bounds = bounds
    self.allowInsecure = allowInsecure
    self.logger = logger
    do {
      memory = try SharedMemory.open()
    } catch {
      throw UsageError.incomplete(
        problem: "--isolate: expected shared memory from the system, but \(error.operation) failed:"
          + " \(systemMessage(error.code)); leave --isolate out, or raise the limit")
    }
  }

  /// Whether instances of the component run in a process of their own.
  func covers(_ component: PluginComponent) -> Bool {
    let library = component.library
    let own = [component.name, component.id, library.id, library.declaredID, library.path]
    let matching = names.filter { own.contains($0) || Path.resolved($0) == library.resolvedPath }
    asked.withLock { asked in
      if !asked.components.contains(component.name) { asked.components.append(component.name) }
      asked.names.formUnion(matching)
    }
    return names.isEmpty || !matching.isEmpty
  }

  /// Refuses names that no component of the run goes by; to be called when all of them have been looked up.
  /// - Throws: `UsageError.incomplete`
  package func checkNames() throws {
    let (components, used) = asked.withLock { ($0.components, $0.names) }
    guard let unused = names.first(where: { !used.contains($0) }) else { return }
    throw UsageError.incomplete(
      problem: "--isolate=\(unused): this run has no plugin of that name"
        + "\(didYouMean(nearestNames(to: unused, among: components))) (it has \(components.joined(separator: ", ")))")
  }
}
