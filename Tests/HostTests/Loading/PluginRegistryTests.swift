// Finding plugins along a path and looking names up.

import Files
import Foundation
import Glibc
import Host
import TestSupport
import Testing

@Suite struct PluginRegistryTests {
  @Test func findsByAliasIDAndPath() throws {
    let bench = try PluginBench()
    let path = try bench.build("good.c", as: "good.so")
    let registry = try bench.registry()
    let component = try registry.component(.sampler, "blend")
    #expect(try registry.component(.sampler, "org.example.good.blend") === component)
    #expect(try registry.component(.sampler, path) === component)
    #expect(try registry.component(.sampler, path + ":blend") === component)
    #expect(registry.shortestName(of: component) == "blend")
    #expect(try registry.recipe("blended")?.recipe.name == "blended")
    #expect(try registry.recipe(path)?.recipe.name == "blended")
    #expect(try registry.recipe("nothing") == nil)
  }

  @Test func unknownNamesSayWhatIsNearAndWhereWasLooked() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    try bench.build("symbols.c", as: "future.so", ["FUTURE"])
    try bench.build("symbols.c", as: "plain.so", ["PLAIN"])
    let registry = try bench.registry([bench.folder, bench.path("absent")])
    let said = message { _ = try registry.component(.loss, "scroe") }
    #expect(said.hasPrefix("no loss is called 'scroe'; did you mean 'score'?\nplugins were looked for in:\n"))
    #expect(said.contains("  \(bench.folder) (--plugin-path: 1 plugin)\n"))
    #expect(said.contains("  \(bench.path("absent")) (--plugin-path: no such folder)"))
    #expect(said.contains("not used:\n  \(bench.path("future.so")): it is built for plugin ABI 2"))
    #expect(!said.contains("plain.so"))
    #expect(exitCode { _ = try registry.component(.loss, "scroe") } == 69)
    let wrongKind = message { _ = try registry.component(.loss, "blend") }
    #expect(wrongKind.hasPrefix("no loss is called 'blend', but there is a sampler of that name"))
    let method = message { _ = try registry.component(.sampler, "blended") }
    #expect(method.hasPrefix("no sampler is called 'blended', but there is a method of that name: sampler:blend"))
    let bare = message { _ = try registry.component(.sampler, "good.so") }
    #expect(bare.hasPrefix("no sampler is called 'good.so'; a library is named by a path: ./good.so"))
    let inside = message { _ = try registry.component(.loss, bench.path("good.so") + ":absent") }
    #expect(inside.contains("(it offers pooler first_token, sampler blend, loss score)"))
    let gone = message { _ = try registry.component(.loss, bench.path("gone.so")) }
    #expect(gone == "plugin \(bench.path("gone.so")) cannot be used: there is no such file")
  }

  @Test func anAliasOfTwoLibrariesIsNotGuessed() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "a.so")
    try bench.build("good.c", as: "b.so", ["ID=\"org.example.other\""])
    let registry = try bench.registry()
    let said = message { _ = try registry.component(.loss, "score") }
    #expect(
      said == """
        several libraries offer the loss 'score'; say which one:
          org.example.good.score (\(bench.path("a.so")))
          org.example.other.score (\(bench.path("b.so")))
        """)
    #expect(exitCode { _ = try registry.component(.loss, "score") } == 64)
    let other = try registry.component(.loss, "org.example.other.score")
    #expect(other.library.path == bench.path("b.so"))
    #expect(registry.shortestName(of: other) == "org.example.other.score")
    #expect(message { _ = try registry.recipe("blended") }.hasPrefix("several libraries offer the method 'blended'"))
    #expect(try registry.recipe("org.example.other.blended")?.library.id == "org.example.other")
  }

  @Test func theFirstOfTwoBuildsWinsAndBothAreNamed() throws {
    let bench = try PluginBench()
    let (one, two) = (try bench.makeFolder("one"), try bench.makeFolder("two"))
    try bench.build("good.c", as: "one/z.so", ["VERSION=\"1.0.0\""])
    try bench.build("good.c", as: "two/a.so", ["VERSION=\"2.0.0\""])
    let registry = try bench.registry([one, two])
    #expect(registry.libraries.map(\.version) == ["1.0.0"])
    let warning = try #require(registry.warnings.first)
    #expect(warning.contains(one + "/z.so (version 1.0.0, sha256 ") && warning.contains(two + "/a.so (version 2.0.0"))
    #expect(warning.hasSuffix("--plugin-as NAME=\(two)/a.so runs both side by side"))
    #expect(try bench.registry([two, one]).libraries.map(\.version) == ["2.0.0"])
  }

  @Test func theSameLibraryTwiceIsOneLibrary() throws {
    let bench = try PluginBench()
    let path = try bench.build("good.c", as: "good.so")
    symlink(path, bench.path("link.so"))
    link(path, bench.path("hard.so"))
    try FileManager.default.copyItem(atPath: path, toPath: bench.path("copy.so"))
    let registry = try bench.registry()
    #expect(registry.libraries.map(\.path) == [bench.path("copy.so")], "sorted by name, the first one")
    #expect(registry.warnings.isEmpty && registry.refusals.isEmpty)
  }

  @Test func twoBuildsRunSideBySide() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "new.so", ["VERSION=\"2.0.0\"", "LAMBDA=\"0.5\""])
    let attic = try bench.makeFolder("attic")
    try bench.build("good.c", as: "attic/good.so", ["VERSION=\"1.0.0\""])
    let registry = try bench.registry(renamed: ["old=\(attic)/good.so"])
    let (new, old) = (try registry.component(.sampler, "blend"), try registry.component(.sampler, "old"))
    #expect(new.parameters[0].default == .float(0.5) && old.parameters[0].default == .float(0.2))
    #expect(old.id == "old.blend" && old.library.declaredID == "org.example.good")
    #expect(try registry.component(.sampler, "old.blend") === old)
    #expect(registry.shortestName(of: old) == "old.blend")
    #expect(try registry.recipe("old")?.library.version == "1.0.0")
    #expect(registry.warnings.isEmpty)
    #expect(exitCode { _ = try bench.registry(renamed: ["old=\(attic)/absent.so"]) } == 69)
    #expect(exitCode { _ = try bench.registry(renamed: ["old"]) } == 64)
    #expect(message { _ = try bench.registry(renamed: ["Old=x"]) }.contains("expected NAME=FILE"))
    let twice = ["old=\(attic)/good.so", "old=\(bench.path("new.so"))"]
    #expect(message { _ = try bench.registry(renamed: twice) } == "--plugin-as: two files are called 'old'")
  }

  @Test func otherFilesInAFolderAreLeftAlone() throws {
    let bench = try PluginBench()
    try bench.build("symbols.c", as: "plain.so", ["PLAIN"])
    try bench.build("good.c", as: "good.so.1")
    try bench.build("good.c", as: ".hidden.so")
    _ = try bench.makeFolder("deep")
    try bench.build("good.c", as: "deep/good.so")
    _ = try bench.makeFolder("folder.so")
    mkfifo(bench.path("fifo.so"), 0o644)
    let registry = try bench.registry()
    #expect(registry.libraries.isEmpty && registry.warnings.isEmpty)
    let refused = registry.refusals.map { String($0.path.split(separator: "/").last ?? "") }
    #expect(refused == ["fifo.so", "folder.so"], "named, because they look like plugins and are none")
  }

  @Test func oneBrokenLibraryDoesNotHideTheOthers() throws {
    let bench = try PluginBench()
    try bench.build("broken.c", as: "a.so", ["NAME_WILD"])
    try bench.build("good.c", as: "b.so")
    let registry = try bench.registry()
    #expect(try registry.component(.loss, "score").library.path == bench.path("b.so"))
    #expect(registry.refusals.map(\.path) == [bench.path("a.so")])
  }

  @Test func everythingOfANameIsShown() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    let registry = try bench.registry()
    #expect(try registry.everything(called: "blended").recipes.count == 1)
    #expect(try registry.everything(called: "org.example.good").components.count == 3)
    #expect(try registry.everything(called: bench.path("good.so")).components.count == 3)
    #expect(try registry.everything(called: bench.path("good.so") + ":score").components.map(\.name) == ["score"])
    #expect(exitCode { _ = try registry.everything(called: "nothing") } == 69)
  }
}

@Suite struct PluginSearchPathTests {
  private func path(
    _ flags: [String] = [], _ environment: [String: String] = [:], privileged: Bool = false
  ) throws -> PluginSearchPath {
    try PluginSearchPath(
      pluginPaths: flags, environment: { environment[$0] }, executable: "/opt/cse/bin/mixcse", isPrivileged: privileged)
  }

  @Test func theOrderIsFlagsEnvironmentUserInstalledProgram() throws {
    let bench = try PluginBench()
    let found = try path(
      [bench.folder, "/usr"], ["CSE_PLUGIN_PATH": "/b:/a/:/b", "XDG_DATA_HOME": "/data", "HOME": "/home/me"])
    #expect(
      found.folders.map(\.path)
        == [bench.folder, "/usr", "/b", "/a", "/data/cse/plugins", "/opt/cse/lib/cse/plugins", "/opt/cse/bin"])
    #expect(found.refused.isEmpty)
    #expect(try path([], ["HOME": "/home/me"]).folders.first?.path == "/home/me/.local/share/cse/plugins")
  }

  @Test func theWorkingDirectoryIsNeverSearched() throws {
    let found = try path([], ["CSE_PLUGIN_PATH": "/a::.:plugins:/b", "XDG_DATA_HOME": "relative"])
    #expect(found.folders.map(\.path) == ["/a", "/b", "/opt/cse/lib/cse/plugins", "/opt/cse/bin"])
    #expect(
      found.refused.map(\.description) == [
        "CSE_PLUGIN_PATH: '' is not searched: an empty entry would be the working directory",
        "CSE_PLUGIN_PATH: '.' is not searched: it is relative to the working directory; write it in full",
        "CSE_PLUGIN_PATH: 'plugins' is not searched: it is relative to the working directory; write it in full",
        "XDG_DATA_HOME: 'relative' is not searched: it is relative to the working directory",
      ])
  }

  @Test func privilegedProgramsDoNotBelieveTheEnvironment() throws {
    let found = try path([], ["CSE_PLUGIN_PATH": "/a", "XDG_DATA_HOME": "/data"], privileged: true)
    #expect(found.folders.map(\.path) == ["/opt/cse/lib/cse/plugins", "/opt/cse/bin"])
    #expect(found.refused.first?.reason == "the program runs with more rights than its user")
    #expect(!runsPrivileged())
  }

  @Test func aFlagMustNameAFolder() {
    #expect(message { _ = try path([""]) } == "--plugin-path: expected a folder, found ''")
    #expect(message { _ = try path(["/absent"]) } == "--plugin-path: expected a folder, found '/absent'")
    #expect(exitCode { _ = try path(["/absent"]) } == 64)
  }

  @Test func aFolderNamedByAFlagMayBeRelative() throws {
    #expect(try path(["."]).folders.first?.path == Path.resolved("."))
  }
}
