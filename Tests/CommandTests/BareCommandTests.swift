// Bare functions on the command line: training with them, calling them, and what is said when they cannot be used.

import Foundation
import TestSupport
import Testing

@Suite struct BareCommandTests {
  private static let library: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.path + "/bare-command-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    let path = folder + "/libbare.so"
    let built = try shell(["cc", "-O2", "-shared", "-fPIC", Resources.fixture("bare/strategies.c"), "-o", path, "-lm"])
    try #require(built.code == 0, "\(built.errors)")
    let extended = try shell([
      "cc", "-O2", "-shared", "-fPIC", "-I", Resources.packageRoot + "/Sources/PluginAPI/include",
      Resources.fixture("bare/extension.c"), "-o", folder + "/libextension.so",
    ])
    try #require(extended.code == 0, "\(extended.errors)")
    for name in ["libbare.so", "libextension.so"] {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/" + name)
    }
    return path
  }

  private func call(_ arguments: String...) throws -> ShellResult {
    try shell([Resources.command, "plugins", "call"] + arguments)
  }

  @Test func aRunTrainsWithBareFunctionsOnly() throws {
    let world = try CommandWorld()
    let library = try Self.library.get()
    let result = try shell([
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path("out"), "--sampler", library + ":mixed:lambda=0.3", "--sampler", library + ":spread",
      "--loss", library + ":nce", "--pooler", library + ":mean", "--max-steps", "12", "--batch-size", "8",
      "--learning-rate", "1e-3", "--threads", "2",
    ])
    #expect(result.code == 0, "\(result.errors)")
    let lines = try world.metrics("out")
    #expect(lines.count == 12 && lines.allSatisfy { $0.contains("mixed.lambda") && $0.contains("spread.spread") })
    // The same run with the plugins that have descriptors: the loss of the first step agrees.
    let peer = try shell([
      Resources.command, "train", "--model", world.path("model"), "--train-file", world.path("train.txt"),
      "--output-dir", world.path("peer"), "--sampler", "mixcse:direction=anchor,lambda=0.3", "--loss", "infonce",
      "--pooler", "avg", "--max-steps", "12", "--batch-size", "8", "--learning-rate", "1e-3", "--threads", "2",
    ])
    #expect(peer.code == 0, "\(peer.errors)")
    func loss(_ line: String) throws -> Double {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      return try #require(object["loss"] as? Double)
    }
    for (mine, other) in zip(lines, try world.metrics("peer")) {
      #expect(isClose(try loss(mine), try loss(other), relative: 1e-3))
    }
  }

  @Test func functionsAreCalledByNameWithCheckedArguments() throws {
    let library = try Self.library.get()
    #expect(try call(library + ":warm", "step=5", "total=20").output == "0.25\n")
    #expect(try call(library + ":greet", "name=abcde", "loud=true").output == "-5.0\n")
    let sum = try call(library + ":weighted", "x=[1,2,3]", "y=[1,1,1]", "--json")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(sum.output.utf8)) as? [String: Any])
    #expect(report["result"] as? Double == 18)
    #expect(((report["arrays"] as? [String: Any])?["sum"] as? [String: Any])?["values"] as? [Double] == [4, 6, 8])
    // Also what is meant for training can be tried by hand.
    let mixed = try call(library + ":mixed", "z2=[1,2;3,4]", "lambda=0.5")
    #expect(mixed.output == "0.5\nmix = [2.0, 3.0]\n  [2.0, 3.0]\n", "\(mixed.output)\(mixed.errors)")
  }

  @Test(arguments: [
    (["warm", "step=5"], "warm.total: expected total=NUMBER"),
    (["warm", "stepp=5"], "did you mean 'step'?"),
    (["weighted", "x=[1,2]", "y=[1]"], "expected shape [2]"),
    (["weighted", "x=[1,2]"], "weighted.y: expected an array"),
    (["weighted", "x=[1;2,3]", "y=[1]"], "expected an array such as"),
    (["mixed", "z2=[1,2]", "lambda=7"], "in [0, 1]"),
    (["warm", "step=1.5", "total=2"], "a whole number"),
  ]) func wrongArgumentsAreNamed(arguments: [String], part: String) throws {
    let result = try shell(
      [Resources.command, "plugins", "call", try Self.library.get() + ":" + arguments[0]] + arguments.dropFirst())
    #expect(result.code == 64 && result.errors.contains(part), "\(result.errors)")
  }

  @Test func pluginsWithADescriptorOfferFunctionsToo() throws {
    let library = try Self.library.get().replacingOccurrences(of: "libbare", with: "libextension")
    #expect(try call(library + ":toy.twice", "x=21").output == "42.0\n")
    let unknown = try call(library + ":toy.thrice", "x=21")
    #expect(unknown.code == 69 && unknown.output.isEmpty)
    let wild = try call(library + ":wild.twice", "x=21")
    #expect(wild.code == 69 && wild.errors.contains("where no code is"), "\(wild.errors)")
  }
}
