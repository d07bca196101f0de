// Level 4: threads, several instances, states that are saved and loaded.

import Glibc
import Host
import Kernels
import PluginAPI
import Processes
import Synchronization

extension ConformanceTest {
  static let systemTests: [ConformanceTest] = [
    ConformanceTest("det.same-seed", .system, "two instances with one seed give the same bytes") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      try expect(try trace(bench, threads: 2) == trace(bench, threads: 2), "a second instance gave other numbers")
      return .passed
    },
    ConformanceTest("det.threads", .system, "1, 2 and 4 threads give the same bytes") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let one = try trace(bench, threads: 1)
      for threads in [2, 4] {
        try expect(try trace(bench, threads: threads) == one, "\(threads) threads gave other numbers than one")
      }
      return .passed
    },
    ConformanceTest("det.chunks", .system, "chunks of a parallel loop may run in any order") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      func results(_ order: HostServices.ChunkOrder) throws -> [UInt64] {
        let instance = try bench.instance(chunkOrder: order)
        let rig = try bench.rig(RigShape(rows: 33, width: 10), on: instance)
        // Not zero, so that sums of two numbers depend on their order, too.
        rig.clearGradients(0.37)
        let value = try rig.run(gradients: true)
        return rig.snapshot(value) + bench.gradients(rig).joined().map { UInt64($0.bitPattern) }
      }
      let rising = try results(.rising)
      if try results(.rising) != rising { return .skipped(notRepeatable) }
      for order in [HostServices.ChunkOrder.falling, .evenFirst] {
        try expect(
          try results(order) == rising,
          "with its chunks in another order it gave other numbers: two of them write to one place, which is a race")
      }
      return .passed
    },
    ConformanceTest("thread.two-instances", .system, "two instances run at once without meeting") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let alone = try trace(bench, threads: 1)
      let work = TwoThreads(bench)
      let found = work.run()
      for outcome in found {
        switch outcome {
        case .success(let trace): try expect(trace == alone, "at once with another instance it gave other numbers")
        case .failure(let problem): throw problem
        }
      }
      return .passed
    },
    ConformanceTest("thread.any", .system, "an instance may be called from any thread") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let rig = try bench.rig()
      let here = rig.snapshot(try bench.once(rig))
      nonisolated(unsafe) var there: Result<[UInt64], any Error> = .success([])
      nonisolated(unsafe) let moved = rig
      onAnotherThread { there = Result { moved.snapshot(try bench.once(moved)) } }
      try expect(try there.get() == here, "on another thread it gave other numbers")
      return .passed
    },
    ConformanceTest("state.save-load-continue", .system, "states and weights are all there is to save") { bench in
      guard bench.isStrategy else { return .skipped("it is not run") }
      let first = try bench.rig()
      for _ in 0..<3 { try step(bench, first) }
      let second = try bench.rig()
      for (from, to) in zip(first.instance.states, second.instance.states) {
        to.bytes.copyMemory(from: UnsafeRawBufferPointer(from.bytes))
      }
      for _ in 0..<2 {
        let (a, b) = (try step(bench, first), try step(bench, second))
        try expect(a == b, "with its states restored a new instance goes on differently: something else is remembered")
      }
      return .passed
    },
    ConformanceTest("state.finite", .system, "states stay finite over 50 batches") { bench in
      guard bench.isStrategy, bench.component.pointer.pointee.commit != nil else { return .skipped("it has no commit") }
      let rig = try bench.rig()
      for _ in 0..<50 { try step(bench, rig) }
      return .passed
    },
  ]

  @discardableResult
  private static func step(_ bench: ComponentBench, _ rig: Rig) throws -> [UInt64] {
    let value = try bench.once(rig)
    let result = rig.snapshot(value)
    try rig.commit()
    return result
  }

  /// Forward, backward and commit over some batches: everything that came out.
  static func trace(_ bench: ComponentBench, threads: Int) throws -> [UInt64] {
    var result: [UInt64] = []
    for shape in [RigShape(rows: 33, width: 10), RigShape(rows: 5, width: 64)] {
      let rig = try bench.rig(shape, threads: threads)
      for _ in 0..<3 {
        result += try step(bench, rig)
        result += bench.gradients(rig).joined().map { UInt64($0.bitPattern) }
      }
    }
    return result
  }
}

/// The same work on two threads at once.
private final class TwoThreads: Sendable {
  private let bench: ComponentBench
  private let results = Mutex<[Result<[UInt64], any Error>]>([])

  init(_ bench: ComponentBench) { self.bench = bench }

  func run() -> [Result<[UInt64], any Error>] {
    onThreads(2) { work() }
    return results.withLock { $0 }
  }

  private func work() {
    for _ in 0..<3 {
      let result = Result { try ConformanceTest.trace(bench, threads: 1) }
      results.withLock { $0.append(result) }
    }
  }
}
