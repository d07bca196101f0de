// Bare functions at work: the same numbers as the plugins with descriptors, gradients against differences, and what is
// said when a function writes where it may not.

import Foundation
import Host
import Kernels
import Logging
import Objective
import TestSupport
import Testing

@Suite struct BareFunctionTests {
  private static let library: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/bare-functions-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let path = folder + "/libbare.so"
    let built = try shell([
      "cc", "-O2", "-Wall", "-shared", "-fPIC", Resources.fixture("bare/strategies.c"), "-o", path, "-lm",
    ])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func name(_ component: String, _ settings: String = "") throws -> String {
    try Self.library.get() + ":" + component + settings
  }

  private func world() throws -> TestWorld { try TestWorld() }

  private struct Outcome {
    let loss: Double
    let gradients: [[Float]]
    let report: StepReport
  }

  private func outcome(samplers: [String], losses: [String], rows: Int = 6, width: Int = 16) throws -> Outcome {
    let objective = try world().objective(samplers: samplers, losses: losses, width: width, rows: rows)
    let report = try objective.evaluate(makeViews(2, rows: rows, width: width), details: true)
    return Outcome(
      loss: report.loss,
      gradients: withExtendedLifetime(objective) { (0..<2).map { Rows(copying: objective.gradient($0)).values } },
      report: report)
  }

  private func expectSame(_ a: Outcome, _ b: Outcome, within bound: Double) {
    #expect(isClose(a.loss, b.loss, relative: bound), "\(a.loss) and \(b.loss)")
    for (mine, other) in zip(a.gradients, b.gradients) {
      let largest = other.map { Double(abs($0)) }.max() ?? 0
      let error = zip(mine, other).map { Double(abs($0 - $1)) }.max() ?? 0
      #expect(error <= bound * largest, "\(error) of \(largest)")
    }
  }

  @Test(arguments: [16, 5]) func aBareSamplerIsTheSamplerItDescribes(width: Int) throws {
    // width 5: the host's rows are padded, so that arrays have to be packed.
    let bare = try outcome(
      samplers: [try name("mixed", ":lambda=0.3,hard_weight=0.7")], losses: ["infonce"], width: width)
    let plugin = try outcome(
      samplers: ["mixcse:direction=anchor,lambda=0.3,hard_weight=0.7"], losses: ["infonce"], width: width)
    expectSame(bare, plugin, within: 1e-6)
    #expect(bare.report.metrics.contains { $0.name == "mixed.lambda" && abs($0.value - 0.3) < 1e-6 })
  }

  @Test(arguments: [("nce", 2e-6), ("nce_apart", 2e-6), ("nce_slow", 2e-3)])
  func aBareLossIsTheLossItDescribes(loss: String, bound: Double) throws {
    for width in [16, 5] {
      let bare = try outcome(samplers: ["mixcse"], losses: [try name(loss)], width: width)
      expectSame(bare, try outcome(samplers: ["mixcse"], losses: ["infonce"], width: width), within: bound)
    }
  }

  @Test(arguments: [([], "near"), (["live", "chaos"], "nce"), (["own_only:above=0.3"], "nce_apart")])
  func gradientsAgreeWithDifferences(samplers: [String], loss: String) throws {
    for width in [8, 5] {
      let objective = try world().objective(
        samplers: try samplers.map { try name($0) }, losses: [try name(loss)], width: width, rows: 5)
      let views = makeViews(2, rows: 5, width: width)
      _ = try objective.evaluate(views)
      let gradients = (0..<2).map { Rows(copying: objective.gradient($0)).values }
      for view in 0..<2 {
        let error = try directionalError(views[view].mutable, gradient: gradients[view]) {
          try objective.evaluate(views, wantsGradients: false).loss
        }
        #expect(error < 5e-3, "view \(view), width \(width): \(error)")
      }
    }
  }

  @Test func callbacksGiveTheSameNumbersForTheSameStep() throws {
    let objective = try world().objective(samplers: [try name("chaos", ":k=3")], losses: ["infonce"], width: 8, rows: 4)
    let views = makeViews(2, rows: 4, width: 8)
    let losses = try [0, 0, 1].map { try objective.evaluate(views, position: StepPosition(step: $0)).loss }
    #expect(losses[0] == losses[1] && losses[0] != losses[2])
  }

  @Test func aMetricIsReportedWithoutCandidates() throws {
    let with = try outcome(samplers: [try name("spread")], losses: ["infonce"])
    #expect(with.loss == (try outcome(samplers: [], losses: ["infonce"])).loss)
    #expect(with.report.metrics.contains { $0.name == "spread.spread" && abs($0.value - 1) < 1e-4 })
  }

  @Test(arguments: [
    (
      "sampler f(n:i64, d:i64, out x:f64[n,d]) detached ;",
      "void f(long n, long d, double *x) { for (long i = 0; i <= n * d; i++) x[i] = 1; }",
      "wrote past the end of 'x': byte 320 of 320"
    ),
    (
      "sampler f(n:i64, d:i64, out x:f64[n,d]) detached ;",
      "void f(long n, long d, double *x) { for (long i = -1; i < n * d; i++) x[i] = 1; }",
      "wrote before the start of 'x'"
    ),
    (
      "sampler f(n:i64, d:i64, out x:f32[n,d]) -> status detached ;", "int f(long n, long d, float *x) { return 3; }",
      "f returned 3"
    ),
    (
      "sampler f(n:i64, d:i64, out x:f32[n,d]) detached ;",
      "void f(long n, long d, float *x) { for (long i = 0; i < n * d; i++) x[i] = 0. / 0.; }",
      "vectors[0] holds"
    ),
    (
      "sampler f(z3:f32[n,d], n:i64, d:i64, out x:f32[n,d]) detached ;",
      "void f(float *z, long n, long d, float *x) {}", "no third view"
    ),
  ]) func faultsAreNamed(text: String, source: String, part: String) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/bare-fault-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try (source + "\nconst char cse_functions[] = \"\(text)\";\n").write(
      toFile: folder + "/f.c", atomically: true, encoding: .utf8)
    let built = try shell(["cc", "-w", "-shared", "-fPIC", folder + "/f.c", "-o", folder + "/libf.so"])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/libf.so")
    let objective = try world().objective(samplers: [folder + "/libf.so:f"], losses: ["infonce"], width: 10, rows: 4)
    let failure = #expect(throws: PluginFailure.self) { try objective.evaluate(makeViews(2, rows: 4, width: 10)) }
    #expect("\(try #require(failure))".contains(part), "\(String(describing: failure))")
  }
}
