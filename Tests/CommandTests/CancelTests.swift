// Ctrl-C inside a plugin's call that would go on for hours: the call is cancelled, its batch dropped, the state before
// it saved, and --resume continues bit for bit. The plugin says by a file that it is inside the call, so nothing here
// waits for a moment that may be missed.

import Foundation
import TestSupport
import Testing

@Suite struct CancelTests {
  struct Place: Sendable, CustomTestStringConvertible {
    var component = "faulty"
    var place = "first"
    var fault = "long_loop"
    var more: [String] = []
    var testDescription: String { "\(component) \(place) \(fault) \(more)" }
  }

  static let places = [
    Place(), Place(more: ["--isolate"]), Place(fault: "deaf_loop"), Place(fault: "deaf_loop", more: ["--isolate"]),
    Place(place: "commit"), Place(component: "faulty_loss", more: ["--gradient-accumulation", "2"]),
    Place(component: "faulty_first", place: "backward", more: ["--isolate"]),
  ]

  @Test(arguments: places)
  func interruptedInsideALongCall(_ item: Place) throws {
    let fault = try FaultWorld()
    let strategy =
      fault.strategy(item.component, ["fault=\(item.fault)", "place=\(item.place)"]) + item.more
    let undisturbed = try fault.run("undisturbed", strategy)
    try #require(undisturbed.code == 0, "\(undisturbed.errors)")
    try Data().write(to: URL(fileURLWithPath: fault.trigger))
    let inside = fault.trigger + ".inside"
    let end = try fault.world.run(
      fault.arguments("stopped", strategy), until: { _ in FileManager.default.fileExists(atPath: inside) },
      signal: SIGINT)
    #expect(end.wasSignalled && end.code == 130, "\(end)")
    #expect(fault.checkpoints("stopped").last { $0.hasSuffix(".ckpt") } == "step-00000005.ckpt")
    try FileManager.default.removeItem(atPath: fault.trigger)
    let resumed = try fault.run("stopped", strategy + ["--resume"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    #expect(resumed.errors.contains("resuming after step 5"), "\(resumed.errors)")
    #expect(try fault.isSame("stopped", as: "undisturbed"))
  }

  /// A shadow's call is cancelled like the leader's, and the shadow is not dropped for it.
  @Test func interruptedInsideAShadow() throws {
    let fault = try FaultWorld()
    let strategy = [
      "--method", "simcse", "--pooler", "cls", "--shadow",
      "looker=infonce+\(fault.library):faulty:fault=long_loop,from=5,file=\(fault.trigger)",
    ]
    let undisturbed = try fault.run("undisturbed", strategy)
    try #require(undisturbed.code == 0, "\(undisturbed.errors)")
    try Data().write(to: URL(fileURLWithPath: fault.trigger))
    let inside = fault.trigger + ".inside"
    let end = try fault.world.run(
      fault.arguments("stopped", strategy), until: { _ in FileManager.default.fileExists(atPath: inside) },
      signal: SIGINT)
    #expect(end.wasSignalled && end.code == 130, "\(end)")
    try FileManager.default.removeItem(atPath: fault.trigger)
    let resumed = try fault.run("stopped", strategy + ["--resume"])
    #expect(resumed.code == 0 && !resumed.errors.contains("dropped"), "\(resumed.errors)")
    #expect(try fault.isSame("stopped", as: "undisturbed"))
  }
}
