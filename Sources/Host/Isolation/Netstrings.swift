// What workers report: texts one after the other, each with its length before it (`5:hello,`). What a plugin wrote into
// its worker's report is read here, too, so nothing is believed.

/// Texts, encoded and decoded.
package enum Netstrings {
  /// The most bytes of a report: more than any library has to say.
  static let largest = 16 << 20
  /// Digits of a length within `largest`.
  private static let mostDigits = 8

  /// The bytes of a report.
  package static func encode(_ texts: [String]) -> [UInt8] {
    texts.flatMap { Array("\($0.utf8.count):".utf8) + Array($0.utf8) + [UInt8(ascii: ",")] }
  }

  /// The texts of a report; nil where the bytes are nothing of the kind.
  package static func decode(_ bytes: [UInt8]) -> [String]? {
    guard bytes.count <= largest else { return nil }
    var texts: [String] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let colon = rest.prefix(mostDigits + 1).firstIndex(of: UInt8(ascii: ":")),
        let count = length(rest[..<colon]), count < rest.endIndex - 1 - colon
      else { return nil }
      let start = colon + 1
      let end = start + count
      guard rest[end] == UInt8(ascii: ","), let text = String(validating: rest[start..<end], as: UTF8.self) else {
        return nil
      }
      texts.append(text)
      rest = rest[(end + 1)...]
    }
    return texts
  }

  private static func length(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else { return nil }
    return digits.reduce(0) { 10 * $0 + Int($1 - UInt8(ascii: "0")) }
  }
}
