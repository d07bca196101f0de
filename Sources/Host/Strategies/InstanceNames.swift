// What the instances of a run are called. This is the one place with the rule; `--set`, schedules, metrics, random
// streams and checkpoints use the names it gives.

/// Names for the uses of components in a run: the first `mixcse`, the second `mixcse#2`.
///
/// Poolers come first, then augmenters, samplers and losses, each in the order they were named.
package struct InstanceNames {
  private var counts: [String: Int] = [:]

  /// No name is taken.
  package init() {}

  /// The name of the next use of `component`.
  package mutating func next(_ component: String) -> String {
    let count = (counts[component] ?? 0) + 1
    counts[component] = count
    return count == 1 ? component : "\(component)#\(count)"
  }

  /// The name with its number, also for the first: `mixcse#1`.
  static func numbered(_ instance: String) -> String { instance.contains("#") ? instance : instance + "#1" }
}
