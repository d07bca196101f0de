// Where the time of a run goes: seconds by phase, and the rate of the matrix products in each. Every ThreadPool has
// one; the training loop switches it on for its steps, whoever does the work names its phases, `train --profile` prints
// it.

import CKernels

/// Seconds by phase, each second counted once: what a phase spends in another one inside of it is the other's.
///
/// Phases are entered and left on one thread, the one that calls `ThreadPool.parallelFor`; a phase costs two readings
/// of the clock, so it may stay on. Names read `group/phase`.
package final class Profile: @unchecked Sendable {
  /// What one phase took.
  package struct Phase: Sendable, Equatable {
    /// The phase's name in tables and in `run.json`.
    package var name: String
    /// How often it was entered.
    package var calls = 0
    /// Wall-clock seconds.
    package var seconds = 0.0
    /// Floating-point operations of its products, additions and multiplications counted apart.
    package var operations = 0.0
    /// Seconds inside of matrix products, added up over all threads.
    package var productSeconds = 0.0

    /// The part of the name before the slash; the whole of it where there is none.
    package var group: String { String(name.prefix { $0 != "/" }) }
  }

  /// On during a step; elsewhere entering a phase does nothing.
  package private(set) var isOn = false
  /// In the order in which they were first entered.
  package private(set) var phases: [Phase] = []
  private var numbers: [String: Int] = [:]
  private var open: [Int] = []
  private var since: Int64 = 0
  /// How many steps were counted.
  package private(set) var steps = 0
  /// Threads of the pool that was measured.
  package let threads: Int
  /// Eight numbers a thread, of which the first two are used: threads never write to the same cache line.
  private let work: UnsafeMutablePointer<Double>

  init(threads: Int) {
    self.threads = threads
    work = .allocate(capacity: threads * 8)
    work.initialize(repeating: 0, count: threads * 8)
  }

  deinit { work.deallocate() }

  /// Counts what happens in `body`; what is in no other phase is in `name`.
  package func step<Result, Failure: Error>(
    _ name: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    isOn = true
    steps += 1
    defer { isOn = false }
    return try measure(name, body)
  }

  /// Runs `body` as a phase of that name.
  package func measure<Result, Failure: Error>(
    _ name: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard isOn else { return try body() }
    enter(name)
    defer { leave() }
    return try body()
  }

  /// Counts operations whose time is not taken apart from their phase's.
  package func count(operations: Double) {
    guard isOn, let phase = open.last else { return }
    phases[phase].operations += operations
  }

  /// Counts a product that `worker` has just done; called from inside of `parallelFor`.
  func count(worker: Int, operations: Double, nanoseconds: Int64) {
    work[worker * 8] += operations
    work[worker * 8 + 1] += Double(nanoseconds) * 1e-9
  }

  private func enter(_ name: String) {
    bookTime()
    let number = numbers[name] ?? register(name)
    phases[number].calls += 1
    open.append(number)
  }

  private func leave() {
    bookTime()
    open.removeLast()
  }

  private func register(_ name: String) -> Int {
    phases.append(Phase(name: name))
    numbers[name] = phases.count - 1
    return phases.count - 1
  }

  /// Gives the time and the products since the last change to the phase that was open meanwhile.
  private func bookTime() {
    let now = ck_nanoseconds()
    defer { since = now }
    guard let phase = open.last else { return }
    phases[phase].seconds += Double(now - since) * 1e-9
    for worker in 0..<threads {
      phases[phase].operations += work[worker * 8]
      phases[phase].productSeconds += work[worker * 8 + 1]
      work[worker * 8] = 0
      work[worker * 8 + 1] = 0
    }
  }
}
