// What the commands print on standard output: lines, and documents for `--json`.

import Files
import FoundationEssentials

/// Prints text for people on standard output; control characters in it are shown, not obeyed.
/// - Throws: `FileError.cannotPrint`, also for what was printed before.
func printText(_ text: String) throws { try StandardOutput.print(text.visible) }

/// Prints one JSON document on standard output, with sorted keys.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  try StandardOutput.print(String(decoding: try encoder.encode(value), as: UTF8.self).visibleJSON)
}

/// The value where JSON has one: not for NaN and infinities.
func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

/// A JSON value as part of a document of another kind.
struct PlainDocument: Encodable {
  let value: JSONValue

  init(_ value: JSONValue) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var single = encoder.singleValueContainer()
    switch value {
    case .object(let object):
      try single.encode(
        Dictionary(object.members.map { ($0.key, PlainDocument($0.value)) }, uniquingKeysWith: { $1 }))
    case .array(let values): try single.encode(values.map(PlainDocument.init))
    case .string(let text): try single.encode(text)
    case .integer(let number): try single.encode(number)
    case .number(let number): try single.encode(number)
    case .bool(let flag): try single.encode(flag)
    case .null: try single.encodeNil()
    }
  }
}
