// The members of a JSON object. Keys are compared byte by byte: Swift's own comparison would take é in one scalar and é
// in two for the same key, which are two tokens of a vocabulary.

/// A JSON object that keeps the order of its keys.
package struct JSONObject: Sendable, Equatable {
  /// A key and its value.
  package struct Member: Sendable, Equatable {
    /// The key.
    package var key: String
    /// Its value.
    package var value: JSONValue
  }

  /// In the order of the text. A key comes twice only in an object read with `RepeatedKeys.kept`.
  package private(set) var members: [Member] = []
  /// Where the last member of a key stands; empty as long as looking through the members is as fast.
  private var places: [ExactKey: Int] = [:]
  private static let lookedThrough = 8

  /// An object without members.
  package init() {}

  /// An object of members in this order; of a key that comes twice, the last value counts.
  package init(_ members: [(String, JSONValue)]) {
    for (key, value) in members { self[key] = value }
  }

  /// The keys in order.
  package var keys: [String] { members.map(\.key) }

  /// The value of a key; setting a new key appends it, setting nil removes it.
  package subscript(key: String) -> JSONValue? {
    get { place(of: key).map { members[$0].value } }
    set {
      let place = place(of: key)
      switch (place, newValue) {
      case (let place?, let value?): members[place].value = value
      case (nil, let value?): append(key, value)
      case (let place?, nil):
        members.remove(at: place)
        places = [:]
        indexIfLong()
      case (nil, nil): break
      }
    }
  }

  /// Adds a member where no member has its key yet.
  /// - Returns: whether that was so.
  mutating func insert(_ key: String, _ value: JSONValue) -> Bool {
    guard place(of: key) == nil else { return false }
    append(key, value)
    return true
  }

  /// Adds a member whatever its key is, at no cost for look-ups nobody makes.
  mutating func keep(_ key: String, _ value: JSONValue) { members.append(Member(key: key, value: value)) }

  package static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }

  private mutating func append(_ key: String, _ value: JSONValue) {
    members.append(Member(key: key, value: value))
    if places.isEmpty { indexIfLong() } else { places[ExactKey(text: key)] = members.count - 1 }
  }

  private mutating func indexIfLong() {
    guard members.count > Self.lookedThrough else { return }
    for (place, member) in members.enumerated() { places[ExactKey(text: member.key)] = place }
  }

  private func place(of key: String) -> Int? {
    if !places.isEmpty { return places[ExactKey(text: key)] }
    return members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }
}

/// A text that equals only texts of the same bytes.
private struct ExactKey: Hashable, Sendable {
  var text: String

  static func == (left: ExactKey, right: ExactKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
