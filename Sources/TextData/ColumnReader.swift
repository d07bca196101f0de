// From the fields of a record to the columns that were asked for: by the header or the keys, by --columns, else by
// place. Names are never guessed: what is not understood is left out and told, or refused.

import Files

/// Where the columns of a list of fields are.
package struct ListLayout: Sendable, Equatable {
  /// The place of each column, from 0, in the order of the roles.
  package var indexes: [Int]
  /// How many fields a record may have.
  package var counts: ClosedRange<Int>
  /// That in words.
  package var expected: String

  /// A layout by its parts.
  package init(indexes: [Int], counts: ClosedRange<Int>, expected: String) {
    (self.indexes, self.counts, self.expected) = (indexes, counts, expected)
  }
}

/// What a reader wants from a file.
package struct ColumnWishes: Sendable {
  /// What can be read, in the order in which it is handed out.
  package var roles: [ColumnRole]
  /// What must be there.
  package var required: Set<ColumnRole>
  /// What single records may lack; it is empty there. Where several columns could be meant, none is, unless one has the
  /// very name.
  package var optional: Set<ColumnRole>
  /// What the user chose.
  package var choice: ColumnChoice?
  /// Where columns are that nobody names, by the number of fields; nil for a number that says nothing.
  package var positional: @Sendable (Int) -> ListLayout?
  /// Which numbers of fields say something, in words.
  package var positionalWords: String
  /// What to do about columns that are not understood.
  package var advice: String

  /// Wishes by their parts.
  package init(
    roles: [ColumnRole], required: Set<ColumnRole>, optional: Set<ColumnRole> = [], choice: ColumnChoice? = nil,
    positional: @escaping @Sendable (Int) -> ListLayout?, positionalWords: String, advice: String
  ) {
    (self.roles, self.required, self.optional, self.choice) = (roles, required, optional, choice)
    (self.positional, self.positionalWords, self.advice) = (positional, positionalWords, advice)
  }
}

/// Tells the fields of records apart. The first record decides.
package struct ColumnReader: Sendable {
  /// What is asked for.
  package let wishes: ColumnWishes
  /// What each column that is handed out holds; empty before the first record.
  package private(set) var columns: [ColumnRole] = []
  /// The names of the header, as written; nil where the first record is data.
  package private(set) var header: [String]?
  /// Whether places decided, since nothing named the columns.
  package private(set) var isPositional = false
  private var layout: ListLayout?
  /// The keys that were chosen, by column; those of the first row, where it is an object.
  private var keys: [String]?, firstKeys: [String]?

  /// A reader that has seen no record.
  package init(_ wishes: ColumnWishes) { self.wishes = wishes }

  /// Takes the first record.
  /// - Returns: whether it is a header.
  /// - Throws: `TextDataError` where its columns are not those that are wanted; `RecordProblem` where it is only this
  ///   record that cannot be used.
  package mutating func begin(_ fields: RecordFields, path: String, line: Int, hasHeader: Bool) throws -> Bool {
    let place = Place(path: path, line: line, names: Self.names(fields))
    if let choice = wishes.choice { return try choose(choice, fields, place, hasHeader: hasHeader) }
    if case .object(let object) = fields {
      let found = try self.columns(of: object)
      (columns, firstKeys) = (found.map(\.role), found.map(\.key))
      return false
    }
    if hasHeader, place.names.contains(where: { ColumnRole.named($0) != nil }) {
      try takeHeader(place)
      return true
    }
    try checkSeparator(place, hasHeader: hasHeader)
    guard let found = wishes.positional(place.names.count) else {
      throw RecordProblem(expected: wishes.positionalWords, found: "\(place.names.count)")
    }
    (layout, isPositional) = (found, true)
    columns = Array(wishes.roles.prefix(found.indexes.count))
    return false
  }

  /// What a record holds, in the order of `columns`.
  package func texts(_ fields: RecordFields) throws(RecordProblem) -> [[UInt8]] {
    switch fields {
    case .texts(let texts): return try list(texts.count).indexes.map { texts[$0] }
    case .values(let values):
      var texts: [[UInt8]] = []
      for (column, index) in try list(values.count).indexes.enumerated() {
        texts.append(try bytes(values[index], columns[column], "element \(index + 1)"))
      }
      return texts
    case .object(let object):
      let found = try columns(of: object)
      let roles = found.map(\.role)
      let differs = columns.contains { !roles.contains($0) && !wishes.optional.contains($0) }
      guard !differs, roles.allSatisfy({ columns.contains($0) || wishes.optional.contains($0) }) else {
        throw RecordProblem(expected: Self.words(columns) + " like the first row", found: Self.words(roles))
      }
      var texts: [[UInt8]] = []
      for role in columns {
        guard let key = found.first(where: { $0.role == role })?.key else {
          texts.append([])
          continue
        }
        texts.append(try bytes(object[key] ?? .null, role, "\"\(key)\""))
      }
      return texts
    }
  }

  /// The names that nothing is read from: the header's, or an object's keys.
  package func unused(in fields: RecordFields? = nil) -> [String] {
    if case .object(let object)? = fields {
      if let keys { return object.keys.filter { !keys.contains($0) } }
      let used = (try? columns(of: object))?.filter { columns.contains($0.role) }.map(\.key) ?? []
      return object.keys.filter { !used.contains($0) }
    }
    guard fields == nil, let header, let layout else { return [] }
    return header.indices.filter { !layout.indexes.contains($0) }.map {
      header[$0].isEmpty ? "\($0 + 1) (without a name)" : header[$0]
    }
  }

  /// The name of a column that is handed out, where it has one.
  package func name(ofColumn column: Int) -> String? {
    if let keys = keys ?? firstKeys { return keys[column] }
    return header.flatMap { header in layout.map { header[$0.indexes[column]] } }
  }

  /// The field, from 1, that a column is read from.
  package func field(ofColumn column: Int) -> Int { (layout?.indexes[column] ?? column) + 1 }

  /// A header in one field has another separator than the format.
  private func checkSeparator(_ place: Place, hasHeader: Bool) throws {
    guard hasHeader, place.names.count == 1 else { return }
    for separator in [",", ";", "\t", "|"] as [Character] {
      let names = place.names[0].split(separator: separator)
      guard names.count > 1, names.count(where: { ColumnRole.named(String($0)) != nil }) > 1 else { continue }
      throw bad(
        place, "commas between the columns of a .csv, tabs in a .tsv",
        separator == "\t" ? "tabs" : "'\(place.names[0])'")
    }
  }

  // MARK: - Lists

  private func list(_ count: Int) throws(RecordProblem) -> ListLayout {
    guard let layout = layout ?? wishes.positional(count), layout.indexes.count == columns.count,
      layout.counts.contains(count)
    else {
      throw RecordProblem(expected: layout?.expected ?? "\(columns.count) fields like the first row", found: "\(count)")
    }
    return layout
  }

  private mutating func takeHeader(_ place: Place) throws {
    var found: [(role: ColumnRole, index: Int)] = []
    for role in wishes.roles {
      var indexes = place.names.indices.filter { ColumnRole.named(place.names[$0], among: wishes.roles) == role }
      if wishes.optional.contains(role), indexes.count > 1 {
        indexes = indexes.filter { place.names[$0] == role.rawValue }
        if indexes.count > 1 { indexes = [] }
      }
      guard indexes.count < 2 else {
        throw bad(
          place, "one column for \(role.description)",
          indexes.map { "'\(place.names[$0])'" }.joined(separator: " and "))
      }
      if let index = indexes.first { found.append((role, index)) }
    }
    found = found.filter { [found] column in isReadable(column.role, beside: found.map(\.role)) }
    let roles = found.map(\.role)
    let needed = wishes.required.union(roles.compactMap(\.needs))
    if let missing = wishes.roles.first(where: { needed.contains($0) && !roles.contains($0) }) {
      throw bad(place, "a column for \(missing.description)", "the columns " + place.list)
    }
    header = place.names
    layout = Self.layout(found.map(\.index), of: place.names.count, like: "the header")
    columns = roles
  }

  /// A score beside a single sentence is nothing to read.
  private func isReadable(_ role: ColumnRole, beside roles: [ColumnRole]) -> Bool {
    !wishes.optional.contains(role) || role.needs.map(roles.contains) ?? true
  }

  private static func layout(_ indexes: [Int], of count: Int, like what: String) -> ListLayout {
    ListLayout(indexes: indexes, counts: count...count, expected: "\(count) columns like \(what)")
  }

  // MARK: - Chosen columns

  private mutating func choose(
    _ choice: ColumnChoice, _ fields: RecordFields, _ place: Place, hasHeader: Bool
  ) throws -> Bool {
    let roles = choice.columns.map(\.role)
    if case .object = fields {
      keys = try choice.columns.map { try key($0, place) }
      columns = roles
      return false
    }
    let isHeader =
      hasHeader && (choice.hasNames || place.names.contains { ColumnRole.named($0) != nil })
    let indexes = try choice.columns.map { try index($0, place, hasNames: hasHeader) }
    layout = Self.layout(indexes, of: place.names.count, like: isHeader ? "the header" : "the first row")
    header = isHeader ? place.names : nil
    columns = roles
    return isHeader
  }

  private func key(_ column: ColumnChoice.Column, _ place: Place) throws -> String {
    guard case .name(let name) = column.place else {
      throw noColumn(column, "the name of a key", place)
    }
    guard let key = place.index(of: name) else { throw noColumn(column, "a key of the first row", place) }
    return place.names[key]
  }

  private func index(_ column: ColumnChoice.Column, _ place: Place, hasNames: Bool) throws -> Int {
    switch column.place {
    case .number(let number):
      guard number <= place.names.count else { throw noColumn(column, "a number up to \(place.names.count)", place) }
      return number - 1
    case .name(let name):
      guard hasNames else { throw noColumn(column, "a number from 1 to \(place.names.count)", place) }
      guard let index = place.index(of: name) else { throw noColumn(column, "a name of the header", place) }
      return index
    }
  }

  private func noColumn(_ column: ColumnChoice.Column, _ expected: String, _ place: Place) -> TextDataError {
    .usage(
      place: "--columns \(column.role.rawValue)=\(column.place.text)", expected: expected,
      found: "in \(place.path), line \(place.line): \(place.list)",
      advice: "Write the names as they stand there, or numbers from 1")
  }

  // MARK: - Objects

  /// What an object holds, in the order of the roles, with the keys.
  private func columns(of object: JSONObject) throws(RecordProblem) -> [(role: ColumnRole, key: String)] {
    if let keys { return zip(columns, keys).filter { object[$0.1] != nil }.map { ($0.0, $0.1) } }
    var found: [(role: ColumnRole, key: String)] = []
    var several: Set<ColumnRole> = []
    for key in object.keys {
      guard let role = ColumnRole.named(key, among: wishes.roles) else { continue }
      if let index = found.firstIndex(where: { $0.role == role }) {
        let other = found[index]
        if wishes.optional.contains(role) {
          if key == role.rawValue { found[index].key = key }
          if other.key != role.rawValue, key != role.rawValue { several.insert(role) }
          continue
        }
        throw RecordProblem(expected: "one key for \(role.description)", found: "'\(other.key)' and '\(key)'")
      }
      found.append((role, key))
    }
    found = found.filter { [found] column in
      !(several.contains(column.role) && column.key != column.role.rawValue)
        && isReadable(column.role, beside: found.map(\.role))
    }
    let needed = wishes.required.union(found.compactMap(\.role.needs))
    if let missing = wishes.roles.first(where: { role in
      needed.contains(role) && !found.contains { $0.role == role }
    }) {
      throw RecordProblem(
        expected: "a key for \(missing.description)",
        found: "the keys " + object.keys.prefix(8).joined(separator: ", "))
    }
    return wishes.roles.compactMap { role in found.first { $0.role == role } }
  }

  private func bytes(_ value: JSONValue, _ role: ColumnRole, _ place: String) throws(RecordProblem) -> [UInt8] {
    if let text = value.string { return Array(text.utf8) }
    if role == .score, let number = value.double { return Array("\(number)".utf8) }
    // A label is a word or a number.
    switch value {
    case .bool, .integer, .number: if !role.isText { return Array(value.text(indent: nil).utf8) }
    default: if wishes.optional.contains(role) { return [] }
    }
    throw RecordProblem(
      expected: (role == .score ? "a number" : role == .label ? "a label" : "a string") + " in \(place)",
      found: value.summary)
  }

  private static func words(_ roles: [ColumnRole]) -> String { roles.map(\.rawValue).joined(separator: ", ") }

  // MARK: - Messages

  /// The first record, for messages.
  private struct Place {
    var path: String
    var line: Int
    var names: [String]

    var list: String { names.prefix(20).map { $0.isEmpty ? "(no name)" : $0 }.joined(separator: ", ") }

    /// As written, else in whatever case.
    func index(of name: String) -> Int? {
      names.firstIndex(of: name) ?? names.firstIndex { $0.lowercased() == name.lowercased() }
    }
  }

  private static func names(_ fields: RecordFields) -> [String] {
    switch fields {
    case .texts(let texts): texts.map { String(decoding: $0.prefix(80), as: UTF8.self).trimmingBlanks }
    case .values(let values): values.indices.map { "element \($0 + 1)" }
    case .object(let object): object.keys
    }
  }

  private func bad(_ place: Place, _ expected: String, _ found: String) -> TextDataError {
    .badText(path: place.path, line: place.line, expected: expected, found: found, advice: wishes.advice)
  }
}
