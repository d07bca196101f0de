// What decides the numbers of a run, by name, and its hash: by it a finished run is found again, whatever label it had,
// and a changed one is recognised. The number of threads and all paths are left out: they change no number.

package import Files
import Host

/// Everything that determines one training run.
package struct RunIdentity: Sendable, Equatable {
  package let members: JSONObject

  package init(_ members: [(String, JSONValue)]) { self.members = JSONObject(members) }

  init(_ members: JSONObject) { self.members = members }

  /// 64 hexadecimal digits.
  package var hash: String { SHA256.digits(of: Array(JSONValue.object(members).text(indent: nil).utf8)) }

  /// What differs from an earlier run, a line each.
  package func differences(from earlier: RunIdentity) -> [String] {
    let keys = earlier.members.keys + members.keys.filter { earlier.members[$0] == nil }
    return keys.compactMap { key in
      let (old, new) = (earlier.members[key], members[key])
      guard old != new else { return nil }
      return "\(key): \(Self.short(old)) then, \(Self.short(new)) now"
    }
  }

  private static func short(_ value: JSONValue?) -> String {
    let text = value?.text(indent: nil) ?? "nothing"
    return text.count > 60 ? text.prefix(50) + "... (\(text.count) signs)" : text
  }
}
