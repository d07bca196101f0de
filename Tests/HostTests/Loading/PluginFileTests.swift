// The pre-flight over the file system: what kind of file, whose, who may write it, what it needs.

import Foundation
import Glibc
import Host
import TestSupport
import Testing

@Suite struct PluginFileTests {
  private func refusal(_ path: String, allowInsecure: Bool = false) -> String {
    message { _ = try PluginFile(path: path, allowInsecure: allowInsecure) }
  }

  @Test func acceptsAGoodLibrary() throws {
    let bench = try PluginBench()
    let file = try PluginFile(path: bench.build("good.c", as: "good.so"))
    let expected = try shell(["sha256sum", bench.path("good.so")]).output.prefix(64)
    #expect(file.sha256 == expected)
  }

  @Test func saysWhichKindOfFileItFound() throws {
    let bench = try PluginBench()
    #expect(refusal(bench.path("absent.so")) == "there is no such file")
    #expect(refusal(try bench.makeFolder("folder.so")) == "expected a regular file, found a folder")
    mkfifo(bench.path("fifo.so"), 0o600)
    #expect(refusal(bench.path("fifo.so")) == "expected a regular file, found a FIFO")
    #expect(refusal("/dev/null") == "expected a regular file, found a device")
    symlink("nowhere", bench.path("dangling.so"))
    #expect(refusal(bench.path("dangling.so")) == "there is no such file")
    symlink("loop.so", bench.path("loop.so"))
    #expect(refusal(bench.path("loop.so")).hasPrefix("it cannot be read: "))
  }

  /// A file in Python is told from others by what it imports, and is as unsafe as a library.
  @Test func aFileInPythonIsAPlugin() throws {
    let bench = try PluginBench()
    func write(_ text: String) throws -> String { try bench.write(Array(text.utf8), as: "idea.py") }
    for text in ["from mixcse.plugin import sampler\n", "import numpy\n  import mixcse.plugin as p\n"] {
      let file = try PluginFile(path: write(text))
      #expect(file.image == nil && file.bareSource == nil)
    }
    for text in ["", "import numpy\n", "# from mixcse\nimport mixcselike\n", "frommixcse import x\n"] {
      #expect(refusal(try write(text)).hasPrefix("it imports nothing of mixcse.plugin"), "\(text)")
    }
    chmod(try write("import mixcse\n"), 0o666)
    #expect(refusal(bench.path("idea.py")).contains("can be written by others (mode 666)"))
  }

  @Test func saysWhatIsNoLibrary() throws {
    let bench = try PluginBench()
    #expect(refusal(try bench.write([], as: "empty.so")) == "it is no ELF file")
    #expect(refusal(try bench.write(Array("GROUP ( libc.so.6 )".utf8), as: "script.so")) == "it is no ELF file")
    #expect(
      refusal(try bench.write([0x7F, 0x45, 0x4C, 0x46], as: "four.so")).hasPrefix("the ELF header ends at byte 64"))
    #expect(refusal(Resources.command).contains("is no plugin"))
  }

  @Test func halfWrittenFilesOnDiskAreRefused() throws {
    let bench = try PluginBench()
    try bench.build("good.c", as: "good.so")
    let bytes = try bench.bytes(of: "good.so")
    for length in stride(from: 0, to: bytes.count, by: 997) {
      let said = refusal(try bench.write(bytes[..<length], as: "half.so"))
      #expect(said.contains("half-written") || said == "it is no ELF file", "\(length): \(said)")
    }
  }

  @Test func writableByOthersIsRefusedUnlessAllowed() throws {
    let bench = try PluginBench()
    let path = try bench.build("good.c", as: "good.so")
    try bench.setMode(0o757, "good.so")
    #expect(refusal(path).hasPrefix("the file \(path) can be written by others (mode 757)"))
    #expect(refusal(path).contains("chmod go-w") && refusal(path).contains("--allow-insecure-plugin"))
    #expect(refusal(path, allowInsecure: true) == "nothing was thrown")
    try bench.setMode(0o755, "good.so")
    try bench.setMode(0o777, "")
    #expect(refusal(path).hasPrefix("its folder \(bench.folder) can be written by others (mode 777)"))
    try bench.setMode(0o1777, "")
    #expect(refusal(path) == "nothing was thrown")
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func strangersFilesAreRefused() throws {
    let bench = try PluginBench()
    let path = try bench.build("good.c", as: "good.so")
    // The user's own group is the user (umask 002); any other may not write.
    try bench.setMode(0o775, "good.so")
    #expect(refusal(path) == "nothing was thrown")
    chown(path, 0, 54321)
    try bench.setMode(0o775, "good.so")
    #expect(refusal(path).hasPrefix("the file \(path) can be written by others (mode 775)"))
    try bench.setMode(0o755, "good.so")
    chown(path, 12345, 0)
    #expect(refusal(path).hasPrefix("the file \(path) belongs to user 12345; plugins must belong to you, to root"))
    #expect(refusal(path, allowInsecure: true) == "nothing was thrown")
    chown(path, 0, 0)
    chown(bench.folder, 12345, 0)
    #expect(refusal(path).hasPrefix("its folder \(bench.folder) belongs to user 12345"))
  }

  @Test func aLinkIsJudgedWhereItLeads() throws {
    let bench = try PluginBench()
    let inner = try bench.makeFolder("inner")
    try bench.build("good.c", as: "inner/good.so")
    symlink(inner + "/good.so", bench.path("link.so"))
    let file = try PluginFile(path: bench.path("link.so"))
    #expect(file.path == bench.path("link.so") && file.resolvedPath.hasSuffix("/inner/good.so"))
    try bench.setMode(0o777, "inner")
    #expect(refusal(bench.path("link.so")).contains("/inner can be written by others"))
  }

  @Test func everyFolderAboveAPluginCounts() throws {
    let bench = try PluginBench()
    for name in ["a", "a/b", "a/b/c", "else"] { _ = try bench.makeFolder(name) }
    let path = try bench.build("good.c", as: "a/b/c/good.so")
    symlink(bench.path("a/b"), bench.path("else/way"))
    for (mode, folder) in [(0o777, "a"), (0o757, "a/b"), (0o777, "")] {
      try bench.setMode(mode, folder)
      let place = folder.isEmpty ? bench.folder : bench.path(folder)
      #expect(refusal(path).hasPrefix("its folder \(place) can be written by others"), "\(folder)")
      #expect(refusal(bench.path("else/way/c/good.so")).hasPrefix("its folder \(place) can be"), "\(folder)")
      #expect(refusal(path, allowInsecure: true) == "nothing was thrown")
      // In a sticky folder others cannot exchange what is ours.
      try bench.setMode(0o1777, folder)
      #expect(refusal(path) == "nothing was thrown", "\(folder)")
      try bench.setMode(0o755, folder)
    }
    // The folders that lead to a link count as those do that it leads to.
    try bench.setMode(0o777, "else")
    #expect(refusal(bench.path("else/way/c/good.so")).hasPrefix("its folder \(bench.path("else")) can be written"))
    #expect(refusal(path) == "nothing was thrown")
    #expect(refusal(bench.path("a/b/c/../../../else/../a/b/c/good.so")).hasPrefix("its folder \(bench.path("else"))"))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func strangersFoldersAndLinksAreRefused() throws {
    let bench = try PluginBench()
    for name in ["a", "a/b", "open"] { _ = try bench.makeFolder(name) }
    let path = try bench.build("good.c", as: "a/b/good.so")
    chown(bench.path("a"), 12345, 0)
    #expect(refusal(path).hasPrefix("its folder \(bench.path("a")) belongs to user 12345"))
    chown(bench.path("a"), 0, 0)
    // Whoever owns a link in a sticky folder may let it lead elsewhere.
    try bench.setMode(0o1777, "open")
    symlink(bench.path("a/b"), bench.path("open/way"))
    #expect(refusal(bench.path("open/way/good.so")) == "nothing was thrown")
    lchown(bench.path("open/way"), 12345, 0)
    #expect(
      refusal(bench.path("open/way/good.so")).hasPrefix("the link \(bench.path("open/way")) belongs to user 12345"))
  }

  @Test func symbolsTellWhatALibraryIs() throws {
    let bench = try PluginBench()
    #expect(refusal(try bench.build("symbols.c", as: "plain.so", ["PLAIN"])).contains("so it is no plugin"))
    let future = refusal(try bench.build("symbols.c", as: "future.so", ["FUTURE"]))
    #expect(future.hasPrefix("it is built for plugin ABI 2, this host speaks 1; update the host"))
  }

  @Test func missingDependenciesAreNamed() throws {
    let bench = try PluginBench()
    try bench.build("symbols.c", as: "libhelper.so", ["HELPER"])
    let link = ["-L" + bench.folder, "-lhelper"]
    let needy = try bench.build("symbols.c", as: "needy.so", ["NEEDS_HELPER"], extra: link + ["-Wl,-rpath,$ORIGIN/lib"])
    let said = refusal(needy)
    #expect(said.hasPrefix("libhelper.so, which \(needy) needs, is not installed (looked in "))
    #expect(said.contains(bench.folder + "/lib"))
    // In the place the RUNPATH names it is found.
    _ = try bench.makeFolder("lib")
    try FileManager.default.moveItem(atPath: bench.path("libhelper.so"), toPath: bench.path("lib/libhelper.so"))
    #expect(refusal(needy) == "nothing was thrown")
    // A file of that name that is no library for this machine is not what the loader takes.
    _ = try bench.write(Array("text".utf8), as: "lib/libhelper.so")
    #expect(refusal(needy).hasPrefix("libhelper.so, which"))
  }

  /// What the loader finds through the plugin's own search path runs as the plugin does.
  @Test func dependenciesThatOthersCouldExchangeAreRefused() throws {
    let bench = try PluginBench()
    for name in ["open", "lib", "lib/glibc-hwcaps", "lib/glibc-hwcaps/x86-64-v2"] { _ = try bench.makeFolder(name) }
    let helper = try bench.build("symbols.c", as: "lib/libhelper.so", ["HELPER"])
    func needy(_ runPath: String) throws -> String {
      try bench.build(
        "symbols.c", as: "needy.so", ["NEEDS_HELPER"],
        extra: ["-L" + bench.path("lib"), "-lhelper", "-Wl,-rpath,\(runPath)"])
    }
    let path = try needy("$ORIGIN/open:$ORIGIN/lib")
    #expect(refusal(path) == "nothing was thrown")
    let prefix = "libhelper.so, which \(path) needs, is looked for where others could put their own: "
    try bench.setMode(0o777, "lib")
    #expect(refusal(path).hasPrefix(prefix + "its folder \(bench.path("lib")) can be written by others (mode 777)"))
    #expect(refusal(path, allowInsecure: true) == "nothing was thrown")
    try bench.setMode(0o755, "lib")
    try bench.setMode(0o766, "lib/libhelper.so")
    #expect(refusal(path).hasPrefix(prefix + "the file \(helper) can be written"))
    try bench.setMode(0o755, "lib/libhelper.so")
    // Nothing is in this folder yet, but what others put there would be found first.
    try bench.setMode(0o777, "open")
    #expect(refusal(path).hasPrefix(prefix + "its folder \(bench.path("open")) can be written"))
    try bench.setMode(0o1777, "open")
    #expect(refusal(path).hasPrefix(prefix + "its folder \(bench.path("open")) can be written by others (mode 1777)"))
    #expect(
      refusal(try needy("$ORIGIN/open/none:$ORIGIN/lib")).hasPrefix(prefix + "\(bench.path("open/none")) is not there"))
    #expect(refusal(try needy("$ORIGIN/lib")) == "nothing was thrown")
    #if arch(x86_64)
      try FileManager.default.copyItem(atPath: helper, toPath: bench.path("lib/glibc-hwcaps/x86-64-v2/libhelper.so"))
      try bench.setMode(0o777, "lib/glibc-hwcaps")
      #expect(refusal(path).contains("its folder \(bench.path("lib/glibc-hwcaps")) can be written"))
    #endif
  }

  /// A filter's other library is loaded like one that is needed, and so is an auxiliary one that is there.
  @Test(arguments: ["-F", "-f"]) func filteredLibrariesAreUnderTheSameRules(_ flag: String) throws {
    let bench = try PluginBench()
    _ = try bench.makeFolder("lib")
    try bench.build("symbols.c", as: "lib/libhelper.so", ["HELPER"])
    func filtering(_ library: String) throws -> String {
      try bench.build("good.c", as: "filter.so", extra: ["-Wl,\(flag),\(library)", "-Wl,-rpath,$ORIGIN/lib"])
    }
    for library in [bench.path("lib/libhelper.so"), "libhelper.so"] {
      try bench.setMode(0o755, "lib")
      let path = try filtering(library)
      #expect(refusal(path) == "nothing was thrown")
      try bench.setMode(0o777, "lib")
      #expect(refusal(path).contains("looked for where others could put their own"), "\(library)")
    }
    let missing = refusal(try filtering("libnowhere.so"))
    #expect(missing.contains("libnowhere.so, which") == (flag == "-F"), "\(missing)")
  }

  @Test func foldersOfTheEnvironmentAreSearchedUnderTheSameRules() throws {
    let bench = try PluginBench()
    let folder = try bench.makeFolder("lib")
    try bench.build("symbols.c", as: "lib/libhelper.so", ["HELPER"])
    let path = try bench.build("symbols.c", as: "needy.so", ["NEEDS_HELPER"], extra: ["-L" + folder, "-lhelper"])
    func said(_ libraryPath: String) throws -> String {
      let command = [Resources.command, "plugins", "info", path]
      return try shell(command, environment: ["LD_LIBRARY_PATH": libraryPath]).errors
    }
    let words = "libhelper.so, which \(path) needs, is looked for where others could put their own: "
    #expect(try said("/nowhere").contains("libhelper.so, which \(path) needs, is not installed"))
    #expect(try !said("/nowhere:" + folder).contains("libhelper.so"))
    try bench.setMode(0o777, "lib")
    #expect(try said(folder).contains(words + "its folder \(folder) can be written by others"))
  }

  @Test func dependenciesOfDependenciesAreFollowed() throws {
    let bench = try PluginBench()
    try bench.build("symbols.c", as: "libdeep.so", ["HELPER"], extra: ["-Wl,-soname,libdeep.so"])
    try bench.build(
      "symbols.c", as: "libhelper.so", ["HELPER"], extra: ["-Wl,--no-as-needed", "-L" + bench.folder, "-ldeep"])
    let needy = try bench.build(
      "symbols.c", as: "needy.so", ["NEEDS_HELPER"],
      extra: ["-L" + bench.folder, "-lhelper", "-Wl,-rpath,$ORIGIN", "-Wl,-rpath-link," + bench.folder])
    try FileManager.default.removeItem(atPath: bench.path("libdeep.so"))
    #expect(refusal(needy).hasPrefix("libdeep.so, which \(bench.path("libhelper.so")) needs, is not installed"))
  }
}
