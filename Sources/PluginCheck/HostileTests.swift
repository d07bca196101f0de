// Level 3: memory, shapes and numbers that a real run meets only once in a while.

import CMalloc
import Glibc
import Host
import PluginAPI

extension ConformanceTest {
  /// Its cause is found by `pure.forward`, which says so.
  static let notRepeatable = "the same call gives other numbers each time"

  static let hostileTests: [ConformanceTest] =
    [
      ConformanceTest("mem.guard-right", .hostile, "no byte behind a buffer is touched") { bench in
        try shapes(bench, [RigShape(), RigShape(rows: 3, width: 16), RigShape(rows: 7, width: 5)])
      },
      ConformanceTest("mem.guard-left", .hostile, "no byte before a buffer is touched") { bench in
        try shapes(bench, [RigShape(side: .left), RigShape(rows: 7, width: 5, side: .left)])
      },
      ConformanceTest("mem.scratch-poison", .hostile, "nothing depends on what scratch and tape held before") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let rig = try bench.rig()
        var results: [[UInt64]] = []
        for byte: UInt8 in [0, 0, 0xFF, 0x7B] {
          rig.clearGradients()
          rig.instance.poisonMemory(byte)
          results.append(
            rig.snapshot(try rig.run(gradients: true)) + bench.gradients(rig).joined().map { UInt64($0.bitPattern) })
        }
        if results[0] != results[1] { return .skipped(notRepeatable) }
        try expect(results.allSatisfy { $0 == results[0] }, "other contents of scratch and tape gave other numbers")
        return .passed
      },
      ConformanceTest("mem.outputs-written", .hostile, "every output is written in full") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let rig = try bench.rig()
        var results: [[UInt64]] = []
        for value: Float in [-7, 1e9, -7] {
          for output in rig.outputs { output.fill(value) }
          results.append(rig.snapshot(try bench.once(rig)))
        }
        if results[0] != results[2] { return .skipped(notRepeatable) }
        try expect(results[0] == results[1], "some of an output kept what stood there before")
        return .passed
      },
      ConformanceTest("leak.cycle", .hostile, "instances give back all memory and files") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let services = bench.services(threads: 1)
        func cycles(_ count: Int) throws {
          for _ in 0..<count {
            let instance = try PluginInstance(
              component: bench.component, values: bench.values(),
              name: bench.component.name, services: services, seed: bench.seed)
            try bench.once(try bench.rig(on: instance))
          }
        }
        try cycles(40)
        let files = ProcessTraces()
        // A leak grows in every window; what the allocator keeps for later does not.
        var grown = Int.max
        for _ in 0..<3 {
          let before = cm_bytes_in_use()
          try cycles(100)
          grown = min(grown, cm_bytes_in_use() - before)
        }
        try expect(grown < 100 * 48, "100 instances left at least \(grown) bytes behind, three times")
        try files.compare("300 instances")
        return .passed
      },
      ConformanceTest("leak.steps", .hostile, "calls give back all memory") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let rig = try bench.rig()
        for _ in 0..<40 { _ = try rig.run(gradients: true) }
        var grown = Int.max
        for _ in 0..<3 {
          let before = cm_bytes_in_use()
          for _ in 0..<200 { _ = try rig.run(gradients: true) }
          grown = min(grown, cm_bytes_in_use() - before)
        }
        try expect(grown < 200 * 16, "200 calls left at least \(grown) bytes behind, three times")
        return .passed
      },
      ConformanceTest("shape.one", .hostile, "a batch of one row") {
        try shapes($0, [RigShape(rows: 1), RigShape(rows: 1, width: 1)])
      },
      ConformanceTest("shape.two", .hostile, "a batch of two rows") { try shapes($0, [RigShape(rows: 2)]) },
      ConformanceTest("shape.prime", .hostile, "odd numbers of rows and columns") {
        try shapes($0, [RigShape(rows: 13, width: 37), RigShape(rows: 31, width: 3)])
      },
      ConformanceTest("shape.width-one", .hostile, "vectors of one number") {
        try shapes($0, [RigShape(rows: 5, width: 1)])
      },
      ConformanceTest("shape.big", .hostile, "4096 rows") { bench in
        // 4096 x 8192 logits are what a run of that size has.
        let isLogits = bench.component.kind == .loss && bench.component.pointer.pointee.on_logits != nil
        // Two calls for each column are not meant for this.
        if bench.component.bare?.meaning.forward.declaration.attributes.isRowwise == true {
          return .skipped("it is rowwise")
        }
        return try shapes(bench, [RigShape(rows: isLogits ? 1024 : 4096, width: 4)])
      },
      ConformanceTest("shape.strided", .hostile, "rows with padding between them give the same numbers") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let (packed, padded) = (try bench.rig(), try bench.rig(RigShape(isPadded: true)))
        let (a, b) = (packed.snapshot(try bench.once(packed)), padded.snapshot(try bench.once(padded)))
        try expect(a == b, "it ignores strides: rows with padding gave other numbers")
        let (ga, gb) = (bench.gradients(packed), bench.gradients(padded))
        try expect(ga == gb, "it ignores strides: rows with padding gave other gradients")
        return .passed
      },
      ConformanceTest("shape.shrinking", .hostile, "a smaller last batch gives what it gives alone") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let instance = try bench.instance()
        try bench.once(try bench.rig(RigShape(rows: 9, maxRows: 9), on: instance))
        let shape = RigShape(rows: 4, maxRows: 9)
        let (small, alone) = (try bench.rig(shape, on: instance), try bench.rig(shape))
        let (a, b) = (small.snapshot(try bench.once(small)), alone.snapshot(try bench.once(alone)))
        try expect(a == b, "after a larger batch a smaller one gives other numbers than alone")
        return .passed
      },
      ConformanceTest("tokens.len1", .hostile, "sentences of one token, and one of 200") { bench in
        guard bench.component.kind == .pooler else { return .skipped("it is no pooler") }
        return try shapes(bench, [RigShape(rows: 4, tokens: [1, 1, 1, 1]), RigShape(rows: 3, tokens: [1, 200, 2])])
      },
      ConformanceTest("value.nan", .hostile, "a NaN in the input crashes and hangs nothing") { bench in
        try values(bench, .nan)
      },
      ConformanceTest("error.text", .hostile, "a cancelled call ends with CSE_E_CANCELLED, or is done") { bench in
        guard bench.isStrategy else { return .skipped("it is not run") }
        let rig = try bench.rig()
        rig.instance.services.cancel()
        do {
          _ = try rig.run(gradients: true)
        } catch let failure as PluginFailure {
          guard case .cancelled = failure.reason else {
            throw CheckProblem("a cancelled call failed otherwise: \(failure)")
          }
        }
        return .passed
      },
    ]
    + [RigValues.zero, .equal, .huge, .denormal].map { kind in
      ConformanceTest("value.\(kind.rawValue)", .hostile, "\(kind.rawValue) inputs give finite numbers") {
        try values($0, kind)
      }
    }

  /// Runs forward and backward on batches of these shapes; guard pages and patterns find what is written outside.
  private static func shapes(_ bench: ComponentBench, _ shapes: [RigShape]) throws -> CheckOutcome {
    guard bench.isStrategy else { return .skipped("it is not run") }
    for shape in shapes {
      let rig = try bench.rig(shape)
      try bench.expectFinite(rig, try bench.once(rig), "\(shape.rows) rows of \(shape.width)")
    }
    return .passed
  }

  private static func values(_ bench: ComponentBench, _ kind: RigValues) throws -> CheckOutcome {
    guard bench.isStrategy else { return .skipped("it is not run") }
    let rig = try bench.rig()
    rig.fill(kind)
    do {
      let value = try bench.once(rig)
      if kind != .nan { try bench.expectFinite(rig, value, "\(kind.rawValue) inputs") }
    } catch let failure as PluginFailure where kind == .nan {
      // The host finds the NaN; all that is asked is that the plugin came back.
      _ = failure
    }
    return .passed
  }
}
