// The part of the fault matrix before the first call: libraries that cannot be loaded, in the middle of a run that was
// stopped and is to go on. No checkpoint may suffer, and the mended file goes on as if nothing had been.

import Foundation
import TestSupport
import Testing

@Suite struct LoadFaultTests {
  let faults: FaultWorld

  init() throws { faults = try FaultWorld() }

  @Test(arguments: [false, true])
  func aLibraryThatCannotBeLoadedCostsNothing(isolated: Bool) throws {
    let isolation = isolated ? ["--isolate"] : []
    let settings = faults.strategy("faulty", ["fault=error"])
    let whole = try faults.run("whole", settings)
    try #require(whole.code == 0, "\(whole.errors)")
    try faults.world.write("trigger", "")
    #expect(try faults.run("run", settings + isolation).code == 69)
    try FileManager.default.removeItem(atPath: faults.trigger)
    let original = try faults.world.data("libfaulty.so")
    let checkpoint = try faults.world.data("run/checkpoints/step-00000005.ckpt")

    for (variant, texts) in try variants(original, isolated: isolated) {
      try replace(with: variant)
      let refused = try faults.run("run", settings + isolation + ["--resume"])
      let code: Int32 = texts[0] == "SIGABRT inside the plugin" ? 128 + SIGABRT : 69
      #expect(refused.code == code, "\(texts): \(refused.code) \(refused.errors)")
      for text in texts + [faults.library] {
        #expect(refused.errors.contains(text), "'\(text)' is not in: \(refused.errors)")
      }
      #expect(try faults.world.data("run/checkpoints/step-00000005.ckpt") == checkpoint)
    }
    try replace(with: { try original.write(to: URL(fileURLWithPath: $0)) })
    let resumed = try faults.run("run", settings + isolation + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(try faults.isSame("run", as: "whole"))
  }

  private typealias Variant = (_ path: String) throws -> Void

  private func variants(_ original: Data, isolated: Bool) throws -> [(Variant, [String])] {
    func built(_ definition: String, links: [String] = []) -> Variant {
      { try FileManager.default.copyItem(atPath: try FaultPlugins.library([definition], links: links), toPath: $0) }
    }
    let helper = try FaultPlugins.helper(in: faults.world.folder)
    _ = try FaultPlugins.library(["MISSING_DEPENDENCY"], links: [helper])
    try FileManager.default.removeItem(atPath: helper)
    return [
      ({ _ in }, ["there is no such file"]),
      (built("WRONG_ABI"), ["built for plugin ABI 9, this host speaks 1"]),
      (built("MISSING_SYMBOL"), ["nobody_defines_this"]),
      (built("MISSING_DEPENDENCY"), ["libhelper.so", "is not installed"]),
      ({ try original.prefix(original.count / 2).write(to: URL(fileURLWithPath: $0)) }, ["half-written or damaged"]),
      (
        {
          try original.write(to: URL(fileURLWithPath: $0))
          try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: $0)
        }, ["can be written by others (mode 777)", "chmod go-w"]
      ),
      (
        built("CRASHES_WHILE_LOADING"),
        isolated ? ["its process died of SIGABRT while loading it"] : ["SIGABRT inside the plugin", "loading"]
      ),
    ]
  }

  private func replace(with variant: Variant) throws {
    try? FileManager.default.removeItem(atPath: faults.library)
    try variant(faults.library)
    guard FileManager.default.fileExists(atPath: faults.library) else { return }
    let mode = try FileManager.default.attributesOfItem(atPath: faults.library)[.posixPermissions] as? Int
    if mode != 0o777 {
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: faults.library)
    }
  }

  /// Of two libraries with one id the first is used, and both are named.
  @Test(arguments: [false, true])
  func twoPluginsWithOneID(isolated: Bool) throws {
    for (folder, definition) in [("one", "TWIN_ONE"), ("two", "TWIN_TWO=7")] {
      try FileManager.default.createDirectory(
        atPath: faults.world.path(folder), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
      try FileManager.default.copyItem(
        atPath: try FaultPlugins.library([definition]), toPath: faults.world.path(folder + "/libtwin.so"))
    }
    let result = try faults.run(
      "run",
      [
        "--plugin-path", faults.world.path("one"), "--plugin-path", faults.world.path("two"), "--sampler", "faulty",
        "--loss", "infonce",
      ] + (isolated ? ["--isolate"] : []))
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("two libraries have the id test.faulty: \(faults.world.path("one/libtwin.so"))"))
    #expect(result.errors.contains("\(faults.world.path("two/libtwin.so"))"), "\(result.errors)")
  }
}
