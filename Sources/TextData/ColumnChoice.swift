// Columns chosen by the user, `anchor=sentence1,positive=sentence2` or `anchor=1,positive=2`: the value of --columns.
// Resolved by ColumnReader.

/// Which column plays which role.
package struct ColumnChoice: Sendable, Equatable {
  /// How a column is named.
  package enum Place: Sendable, Equatable {
    /// From 1.
    case number(Int)
    /// As in the header or the keys.
    case name(String)

    /// As typed.
    var text: String {
      switch self {
      case .number(let number): String(number)
      case .name(let name): name
      }
    }
  }

  /// A column and its role.
  package struct Column: Sendable, Equatable {
    /// What it holds.
    package var role: ColumnRole
    /// Which it is.
    package var place: Place
  }

  /// In the order of the roles.
  package let columns: [Column]

  /// Reads `ROLE=COLUMN,…`.
  /// - Parameter roles: those that may be named, in order.
  /// - Throws: `RecordProblem`
  package init(parsing text: String, roles: [ColumnRole]) throws(RecordProblem) {
    let form = roles.map { "\($0.rawValue)=COLUMN" }.joined(separator: ",")
    var found: [Column] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        String($0).trimmingBlanks
      }
      guard sides.count == 2, !sides[1].isEmpty, let role = roles.first(where: { $0.rawValue == sides[0] }) else {
        throw RecordProblem(expected: "\(form), each COLUMN a name or a number from 1", found: "'\(part)'")
      }
      let place = Int(sides[1]).map(Place.number) ?? .name(sides[1])
      if case .number(let number) = place, number < 1 {
        throw RecordProblem(expected: "a column number from 1 for \(role.rawValue)", found: "\(number)")
      }
      if found.contains(where: { $0.role == role || $0.place == place }) {
        throw RecordProblem(expected: "each role and each column once", found: "'\(part)' as well")
      }
      found.append(Column(role: role, place: place))
    }
    let missing = ([.anchor] + found.compactMap(\.role.needs)).first { role in !found.contains { $0.role == role } }
    if let missing { throw RecordProblem(expected: "\(missing.rawValue)= beside the others", found: "'\(text)'") }
    columns = roles.compactMap { role in found.first { $0.role == role } }
  }

  /// Whether a name is among them, which only a header or the keys of objects have.
  var hasNames: Bool {
    columns.contains { if case .name = $0.place { true } else { false } }
  }

  /// As the flag has it.
  var text: String { columns.map { "\($0.role.rawValue)=\($0.place.text)" }.joined(separator: ",") }
}
