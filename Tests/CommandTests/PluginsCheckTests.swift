// `mixcse plugins check`: what ships passes, and every way of being broken is found by the test that is there for it.

import Foundation
import TestSupport
import Testing

@Suite struct PluginsCheckTests {
  private func check(_ arguments: [String]) throws -> (code: Int32, report: [String: Any], errors: String) {
    let result = try shell([Resources.command, "plugins", "check", "--json"] + arguments)
    let report = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
    return (result.code, report ?? [:], result.errors)
  }

  private func failures(_ report: [String: Any]) -> [String] {
    let tests = report["tests"] as? [[String: Any]] ?? []
    return tests.filter { $0["outcome"] as? String == "failed" }.map { "\($0["id"] ?? ""): \($0["problem"] ?? "")" }
  }

  /// What an augmenter may not make of tokens is found, as in a run.
  @Test(arguments: [
    ("id", "holds token 200, expected 0 to 199"), ("empty", "goes from token 0 to 0"),
    ("long", "expected 1 to 24 tokens"), ("first", "the first token stays first"), ("order", "to -1"),
    ("room", "wrote past the end of 'out_ids'"), ("state", "n_states is 1, but this kind of component has none"),
  ])
  func faultsOfAugmenters(fault: String, text: String) throws {
    try withFolder { folder in
      let library = folder + "/libaugmenter.so"
      try buildPlugin(Resources.fixture("training/augmenter.c"), to: library)
      let (code, report, errors) = try check(["\(library):copies:fault=\(fault)", "--only", "abi.old-host"] + patience)
      #expect(code == 1 && failures(report).contains { $0.contains(text) }, "\(failures(report)) \(errors)")
    }
  }

  @Test func writtenEncodingsAreFound() throws {
    try withFolder { folder in
      let library = folder + "/libencodings.so"
      try buildPlugin(Resources.fixture("training/encodings.c"), to: library)
      for (writes, expected) in [("false", Int32(0)), ("true", 1)] {
        let (code, report, errors) = try check(
          ["\(library):spy:writes=\(writes)", "--only", "input.readonly"] + patience)
        #expect(code == expected, "\(failures(report)) \(errors)")
      }
    }
  }

  private func build(_ source: String, _ defines: [String], in folder: String) throws -> String {
    let path = folder + "/lib" + (defines.first ?? "right").lowercased() + ".so"
    let built = try shell(
      ["cc", "-std=gnu11", "-O1", "-w", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include"]
        + defines.map { "-D" + $0 } + [Resources.fixture("broken/" + source), "-o", path, "-lm"])
    try #require(built.code == 0, "\(built.errors)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.path + "/check-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  /// What is right may take as long as a busy machine makes of it.
  private let patience = ["--deadline", "100"]

  @Test(arguments: [
    "MixCSELoss", "SimCSELoss", "Poolers", "Augmenters", "ContrastiveLosses", "EmbeddingLosses", "SupervisedLosses",
    "GuidedLosses", "Negatives", "TextNegatives", "VirtualAugmentation",
  ])
  func shippedPluginsPass(library: String) throws {
    let (code, report, errors) = try check([Resources.pluginDirectory + "/lib\(library).so"] + patience)
    #expect(code == 0 && failures(report).isEmpty, "\(failures(report)) \(errors)")
    #expect(report["passed"] as? Int ?? 0 > 30)
  }

  @Test func whatIsRightPassesEveryTest() throws {
    try withFolder { folder in
      let (code, report, _) = try check([try build("broken.c", [], in: folder)] + patience)
      #expect(code == 0 && failures(report).isEmpty, "\(failures(report))")
    }
  }

  @Test func theBareFixturesPassEveryTest() throws {
    try withFolder { folder in
      let path = folder + "/libbare.so"
      let built = try shell([
        "cc", "-O2", "-shared", "-fPIC", Resources.fixture("bare/strategies.c"), "-o", path, "-lm",
      ])
      try #require(built.code == 0)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      let (code, report, _) = try check(
        [path, "--only", "grad", "--only", "mem", "--only", "shape", "--only", "det"] + patience)
      #expect(code == 0 && failures(report).isEmpty, "\(failures(report))")
    }
  }

  /// What is broken, and the test that has to find it.
  static let broken: [(name: String, test: String, says: String)] = [
    ("LOAD_CRASH", "load.library", "SIGABRT"), ("LOAD_HANG", "load.library", "did not end within"),
    ("LOAD_EXIT", "load.library", "ended the process"), ("LOAD_SLOW", "load.fast", "took"),
    ("LOAD_SIGNAL", "load.no-side-effects", "signal handler"),
    ("LOAD_ROUNDING", "load.no-side-effects", "rounding"), ("LOAD_FILES", "load.no-side-effects", "open files"),
    ("LOAD_THREAD", "load.no-side-effects", "threads more"), ("LOAD_STDOUT", "load.library", "standard output"),
    ("NO_DOC", "desc.texts", "no doc"), ("POOL_STRIDE", "shape.strided", "strides"),
    ("POOL_KEEPS", "mem.outputs-written", "kept what stood there"), ("POOL_PAST", "mem.guard-right", "past its end"),
    ("POOL_BEFORE", "mem.guard-left", "out of bounds"), ("POOL_READS_PAST", "mem.guard-right", "SIGSEGV"),
    ("POOL_INPUT", "input.readonly", "wrote to an input"),
    ("POOL_SCRATCH", "mem.scratch-poison", "other contents of scratch"), ("POOL_COUNTS", "pure.forward", "second call"),
    ("POOL_STRUCT", "abi.old-host", "struct_size"), ("POOL_EXACT_SIZE", "abi.new-host", "unknown struct size"),
    ("POOL_CALL_SIZE", "abi.new-host", "size of the call"), ("POOL_HOST_SIZE", "abi.new-host", "size of the host"),
    ("POOL_LIMITS_SIZE", "abi.new-host", "size of the limits"), ("POOL_PLAN_TAIL", "abi.new-host", "newer host"),
    ("LOAD_MINOR", "load.new-host", "refuses this host"),
    ("POOL_LONG", "tokens.len1", "SIGABRT"), ("POOL_LEAK", "leak.steps", "bytes behind"),
    ("POOL_EXIT", "finite.normal", "ended the process"), ("POOL_STDOUT", "instance.no-stdout", "standard output"),
    ("POOL_OTHER_TOKENS", "pool.as-described", "as the max of its tokens"),
    ("POOL_OTHER_LAYER", "pool.as-described", "its plan reads layers [6]"),
    ("POOL_OTHER_WEIGHT", "pool.as-described", "number 0 of sequence 0"),
    ("POOL_WEIGHTS_PAST", "pool.as-described", "past the end of 'weights of layers'"),
    ("POOL_TRAP", "finite.normal", "trap"), ("POOL_HANG_NAN", "value.nan", "did not end within"),
    ("GRAD_WRONG", "grad.fd", "differences say"), ("GRAD_OVERWRITES", "grad.accumulate", "+="),
    ("GRAD_NONLINEAR", "grad.linear", "not linear"), ("GRAD_WEIGHT", "grad.fd", "plugin.mean.w"),
    ("GRAD_COUNTS", "pure.gradients", "other gradients"), ("PLAN_FLAGS", "plan.accepted", "flags 0x4000"),
    ("PLAN_BIG", "plan.accepted", "MiB with"), ("POOL_CLAIM", "claim.known", "0x8000"),
    ("POOL_SCALE", "claim.scale", "scale invariance (out, row"), ("POOL_ROTATION", "claim.rotation", "rotation inv"),
    ("SAMPLE_ORDER", "claim.permutation", "permutation equivariance (vectors[0]"),
    ("SAMPLE_COLUMNS", "finite.normal", "n_cols[1] to 1000, expected 0 to 8"),
    ("SAMPLE_NEGATIVE", "finite.normal", "n_cols[1] to -1"),
    ("SAMPLE_OTHERS", "finite.normal", "the block belongs to the host"),
    ("LOSS_TARGET", "grad.target", "wrong at number"), ("LOSS_ROW", "grad.every", "wrong at number"),
    ("LOSS_PARAMETER", "grad.values", "with margin=1.0:"), ("LOSS_LARGE", "grad.large", "wrong at row 48"),
    ("LOSS_TERM", "grad.every", "wrong at number"), ("LOSS_RACE", "det.chunks", "which is a race"),
    ("GLOBAL_STATE", "state.save-load-continue", "something else is remembered"),
    ("SAMPLE_STATE", "pure.forward", "outside of commit"), ("SAMPLE_THREADS", "det.threads", "than one"),
    ("SAMPLE_NORM", "value.zero", "vectors[0]"),
    ("STATE_HIDDEN", "state.save-load-continue", "something else is remembered"),
    ("STATE_GROWS", "state.finite", "state 'queue'"), ("LOSS_BIG", "shape.big", "SIGSEGV"),
    ("LOSS_ONE_ROW", "shape.one", "the loss is"), ("LOSS_CREATES", "leak.cycle", "open files"),
    ("LOSS_NO_PEAK", "value.huge", "the loss is"), ("LOSS_ROWS", "loss.row-mean", "the mean of its rows"),
    ("LOSS_TEMPERATURE", "grad.temperature", "write dtemperature"),
    ("LOSS_BRANCH", "grad.optional", "without"), ("LOSS_MASK", "mask.exclude", "holds"),
    ("LOSS_NO_NULL", "grad.optional", "SIGSEGV"), ("LOSS_EQUAL", "value.equal", "the loss is"),
    ("LOSS_BOUNDS", "param.bounds", "the loss is"), ("LOSS_DENORMAL", "value.denormal", "the loss is"),
    ("LOSS_SHARED", "thread.two-instances", "at once with another"), ("LOSS_METRIC", "metric.finite", "metric 'again'"),
  ]

  @Test(arguments: broken) func everyFaultIsFoundByItsTest(name: String, test: String, says: String) throws {
    try withFolder { folder in
      let path = try build("broken.c", [name], in: folder)
      // Only the component that is broken: the other two would only take time.
      let part = ["POOL": ":mean", "GRAD": ":mean", "NO": ":mean", "LOSS": ":margin", "LOAD": ""]
      let component = part[String(name.prefix { $0 != "_" })] ?? ":queue"
      let (code, report, errors) = try check([path + component, "--only", test, "--deadline", "3"])
      let found = failures(report)
      #expect(code == 1, "\(code) \(found) \(errors)")
      #expect(found.contains { $0.hasPrefix(test + ":") && $0.contains(says) }, "\(found)")
      let first = (report["tests"] as? [[String: Any]])?.first { $0["outcome"] as? String == "failed" }
      // The command that is printed finds it again, now in one component only.
      let again = try #require(first?["reproduce"] as? String)
      #expect(again.hasPrefix("mixcse plugins check \(path)") && again.hasSuffix(" --seed 1 --only \(test)"))
      if name == "GRAD_WRONG" {
        let repeated = try shell([Resources.command] + again.split(separator: " ").dropFirst().map(String.init))
        #expect(repeated.code == 1 && repeated.output.contains("FAILED  grad.fd"), "\(repeated.output)")
      }
    }
  }

  @Test(arguments: [
    ("WIDTH", "mem.outputs-written"), ("SENTINEL", "mem.outputs-written"), ("GRADIENT", "grad.fd"),
    ("PAST", "mem.guard-right"),
  ]) func wrongLinesOfBareFunctionsAreFound(name: String, test: String) throws {
    try withFolder { folder in
      let (code, report, _) = try check([try build("bare.c", [name], in: folder), "--only", test])
      #expect(code == 1 && failures(report).allSatisfy { $0.hasPrefix(test) }, "\(failures(report))")
    }
  }

  /// What is wrong spoils other tests, too: what is shown first is the cause, and what cannot be planned is said once.
  @Test(arguments: [
    ("POOL_SCRATCH", "mem.scratch-poison"), ("POOL_COUNTS", "pure.forward"), ("PLAN_FLAGS", "plan.accepted"),
    ("POOL_READS_PAST", "mem.guard-right"),
  ]) func theCauseIsShownFirst(name: String, test: String) throws {
    try withFolder { folder in
      let arguments = [
        try build("broken.c", [name], in: folder) + (name == "PLAN_FLAGS" ? ":queue" : ":mean"), "--only", "plan",
        "--only", "mem", "--only", "pure", "--only", "grad.fd", "--only", "finite",
      ]
      let (code, report, _) = try check(arguments + patience)
      #expect(code == 1 && failures(report).first?.hasPrefix(test) == true, "\(failures(report))")
      if name == "PLAN_FLAGS" { #expect(failures(report).count == 1 && report["passed"] as? Int == 0) }
    }
  }

  /// An error at one value of a parameter is found where that value is named, with a command that repeats it.
  @Test func valuesOfParametersCanBeGiven() throws {
    try withFolder { folder in
      let path = try build("broken.c", ["LOSS_PARAMETER"], in: folder)
      let tests = ["--only", "grad.every"] + patience
      #expect(try check([path + ":margin"] + tests).code == 0)
      let (code, report, _) = try check([path + ":margin:margin=0.8"] + tests)
      #expect(code == 1 && failures(report).first?.hasPrefix("grad.every: ") == true, "\(failures(report))")
      let first = (report["tests"] as? [[String: Any]])?.first { $0["outcome"] as? String == "failed" }
      #expect((first?["reproduce"] as? String)?.contains("\(path):margin:margin=0.8 --seed 1") == true)
      for (target, said) in [
        (path + ":margin:margin=7", "margin.margin: expected a number in [0, 1], found '7'"),
        (path + ":margin:marign=0.5", "did you mean 'margin'"),
      ] {
        let wrong = try check([target] + tests)
        #expect(wrong.code == 1 && failures(wrong.report).first?.contains(said) == true, "\(failures(wrong.report))")
      }
    }
  }

  @Test func namesAreCheckedBeforeAnythingRuns() throws {
    let wrong = try shell([Resources.command, "plugins", "check", "mixcse", "--only", "grad.df"])
    #expect(wrong.code == 64 && wrong.errors.contains("did you mean 'grad.fd'"), "\(wrong.errors)")
    let list = try shell([Resources.command, "plugins", "check", "--list-tests"])
    #expect(list.code == 0 && list.output.split(separator: "\n").count == 60, "\(list.output)")
    let unknown = try check(["mixces"])
    #expect(unknown.code == 1 && failures(unknown.report).first?.contains("did you mean 'mixcse'") == true)
    let byName = try check(["mixcse", "--only", "grad"])
    #expect(byName.code == 0 && byName.report["failed"] as? Int == 0)
  }
}
