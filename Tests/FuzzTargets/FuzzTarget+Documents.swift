// Documents: JSON and TOML by themselves, descriptions of runs and plans of comparisons.

import Comparison
import Files
import Training

extension FuzzTarget {
  static let documents = [
    FuzzTarget("json") { bytes, _ in
      let value = try JSONValue.parse(bytes)
      // What was read is written so that it reads back the same.
      let again = try JSONValue.parse(Array(value.text(indent: nil).utf8))
      precondition(value == again, "JSON changes on its way through text")
    },
    FuzzTarget("toml") { bytes, _ in _ = try TOMLReader.read(String(decoding: bytes, as: UTF8.self)) },
    FuzzTarget("plan") { bytes, _ in try readPlan(bytes, name: "plan.toml") },
    FuzzTarget("plan-json") { bytes, _ in try readPlan(bytes, name: "plan.json") },
  ]

  /// As `train --from` and as `compare --from` read it.
  private static func readPlan(_ bytes: [UInt8], name: String) throws {
    let file = try DescriptionFile(path: name, text: String(decoding: bytes, as: UTF8.self))
    var request = ComparisonRequest()
    try? request.read(file)
    _ = try RunDescription(file)
  }
}
