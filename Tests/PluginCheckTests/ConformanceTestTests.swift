// The tests of the conformance suite on components in this process: what ships passes, what is broken is found, and
// what a component has nothing to do with is left out with a reason.

import Foundation
import Host
import Logging
import PluginCheck
import TestSupport
import Testing

@Suite struct ConformanceTestTests {
  private func component(_ kind: ComponentKind, _ name: String, in folder: String) throws -> PluginComponent {
    let registry = try PluginRegistry(
      searchPath: PluginSearchPath(folders: [folder]), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try registry.component(kind, name)
  }

  private func outcome(_ id: String, _ component: PluginComponent) throws -> CheckOutcome {
    let test = try #require(ConformanceTest.all.first { $0.id == id }, "there is no test \(id)")
    return test.run(on: ComponentBench(component, seed: 1))
  }

  @Test func idsAreUniqueAndSayWhatTheyAsk() {
    let ids = ConformanceTest.all.map(\.id)
    #expect(Set(ids).count == ids.count)
    for test in ConformanceTest.all {
      #expect(test.id.wholeMatch(of: /[a-z]+\.[a-z0-9-]+/) != nil, "\(test.id)")
      #expect(!test.asks.isEmpty, "\(test.id)")
    }
    #expect(Set(ConformanceTest.all.map(\.level)) == Set(ConformanceTest.Level.allCases))
  }

  @Test(arguments: [(ComponentKind.pooler, "avg"), (.sampler, "mixcse"), (.loss, "infonce")])
  func whatShipsPassesInsideThisProcess(kind: ComponentKind, name: String) throws {
    let component = try component(kind, name, in: Resources.pluginDirectory)
    let ids = [
      "desc.texts", "abi.new-host", "grad.fd", "grad.fd-padded", "grad.accumulate", "grad.linear", "grad.optional",
      "pure.forward", "pure.gradients", "finite.normal", "mask.exclude", "loss.row-mean", "grad.temperature",
      "param.bounds", "mem.guard-left", "mem.outputs-written", "shape.one", "shape.strided", "value.zero", "value.huge",
      "det.same-seed", "state.save-load-continue",
    ]
    for id in ids {
      if case .failed(let problem) = try outcome(id, component) { Issue.record("\(name), \(id): \(problem)") }
    }
  }

  @Test func whatATestIsNotAboutIsLeftOutWithAReason() throws {
    let avg = try component(.pooler, "avg", in: Resources.pluginDirectory)
    #expect(try outcome("mask.exclude", avg) == .skipped("it reads no logits"))
    #expect(try outcome("param.bounds", avg) == .skipped("it has no parameters"))
    let infonce = try component(.loss, "infonce", in: Resources.pluginDirectory)
    #expect(try outcome("tokens.len1", infonce) == .skipped("it is no pooler"))
    let mixcse = try component(.sampler, "mixcse", in: Resources.pluginDirectory)
    #expect(try outcome("grad.fd", mixcse) == .skipped("its vectors are detached"))
  }

  /// Faults that end no process: the macro of `Tests/Fixtures/broken/broken.c`, component, test, and a part of the
  /// text.
  static let broken: [(fault: String, kind: ComponentKind, name: String, test: String, says: String)] = [
    ("GRAD_WRONG", .pooler, "mean", "grad.fd", "differences say"),
    ("GRAD_OVERWRITES", .pooler, "mean", "grad.accumulate", "+="),
    ("POOL_KEEPS", .pooler, "mean", "mem.outputs-written", "kept what stood there"),
    ("POOL_STRIDE", .pooler, "mean", "shape.strided", "strides"),
    ("LOSS_ROWS", .loss, "margin", "loss.row-mean", "the mean of its rows"),
    ("LOSS_MASK", .loss, "margin", "mask.exclude", "holds"),
    ("LOSS_TEMPERATURE", .loss, "margin", "grad.temperature", "write dtemperature"),
  ]

  @Test(arguments: broken)
  func whatIsBrokenIsFoundInsideThisProcess(
    fault: String, kind: ComponentKind, name: String, test: String, says: String
  ) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/conformance-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let library = folder + "/libbroken.so"
    let built = try shell([
      "cc", "-std=gnu11", "-O1", "-w", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include",
      "-D" + fault, Resources.fixture("broken/broken.c"), "-o", library, "-lm",
    ])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: library)
    guard case .failed(let problem) = try outcome(test, try component(kind, name, in: folder)) else {
      Issue.record("\(test) does not find \(fault)")
      return
    }
    #expect(problem.contains(says), "\(problem)")
  }

  @Test func tracesInTheProcessAreSeen() throws {
    let before = ProcessTraces()
    // Other tests of this process open and close a few files at the same time.
    let files = try (0..<200).map { _ in try #require(fopen("/dev/null", "r")) }
    let difference = before.difference()
    for file in files { fclose(file) }
    #expect(difference?.contains("open files more than before") ?? false, "\(difference ?? "nothing")")
  }
}
