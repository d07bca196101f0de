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
    #expect(refusal(path).hasPrefix("the file \(path) belongs to user 12345; plugins must belong to you or to root"))
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
