// What the keys of a settings file may hold, as a table: a key that asks for what is not built is refused by its name
// and value, whoever wrote it. Used by the readers of model folders.

/// The rules for one kind of settings file.
package struct SettingRules: Sendable {
  /// What a key may hold. Null is as if the key were not there.
  package enum Rule: Sendable {
    /// The code beside the table reads it.
    case read
    /// It changes nothing that is computed here.
    case harmless
    /// Anything but these would change what is computed, and is not built.
    case only([JSONValue])
    /// It is not done, which the user is told: what stands here, behind the name of the key.
    case noted(String)
  }

  /// A key that is refused: its name, what it holds, and what it may hold.
  package struct Refusal: Sendable, Equatable {
    /// The key.
    package let key: String
    /// What it holds, in words.
    package let found: String
    /// What is built.
    package let supported: String
  }

  /// By the names of keys.
  package let rules: [String: Rule]
  /// For every key that has none.
  package let others: Rule

  /// Rules for keys, and one for all others.
  package init(_ rules: [String: Rule], others: Rule) {
    (self.rules, self.others) = (rules, others)
  }

  /// These rules and further ones, which take the place of those for the same keys.
  package func adding(_ further: [String: Rule]) -> SettingRules {
    SettingRules(rules.merging(further) { $1 }, others: others)
  }

  /// The first key of the file that is refused; nil where all are as they may be.
  package func refusal(in object: JSONObject) -> Refusal? {
    for member in object.members where member.value != .null {
      guard case .only(let values) = rules[member.key] ?? others, !values.contains(member.value) else { continue }
      let supported = values.isEmpty ? "none" : values.map { $0.text(indent: nil) }.joined(separator: ", ")
      let text = member.value.text(indent: nil)
      return Refusal(
        key: member.key, found: text.utf8.count > 120 ? member.value.summary : text, supported: supported)
    }
    return nil
  }

  /// What there is to be said about keys that are not done.
  package func notes(in object: JSONObject) -> [String] {
    object.members.compactMap { member in
      guard member.value != .null, case .noted(let text) = rules[member.key] ?? others else { return nil }
      return "\(member.key) \(text)"
    }
  }
}
