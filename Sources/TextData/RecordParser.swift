// One record of a file to its fields. Pure: called for the index of a training file and again for every batch, and by
// the reader of pairs.

package import Files

/// Why a record, or the choice of its columns, cannot be used.
package struct RecordProblem: Error, Equatable {
  /// What it must be.
  package var expected: String
  /// What it is.
  package var found: String

  /// A problem in words.
  package init(expected: String, found: String) { (self.expected, self.found) = (expected, found) }
}

/// A record cut into fields, not yet told apart.
package enum RecordFields {
  /// Fields of a line, quotes undone.
  case texts([[UInt8]])
  /// Elements of a JSON list; a JSON string is a list of one.
  case values([JSONValue])
  /// A JSON object.
  case object(JSONObject)
}

/// Cuts records of one format into fields.
package struct RecordParser: Sendable {
  /// How the records are written.
  package let format: RecordFormat

  /// A parser of one format.
  package init(format: RecordFormat) { self.format = format }

  /// The fields of a record.
  package func fields(_ record: UnsafeBufferPointer<UInt8>) throws(RecordProblem) -> RecordFields {
    switch format {
    case .text: .texts([Array(record)])
    case .tsv: .texts(record.split(separator: 9, omittingEmptySubsequences: false).map(Array.init))
    case .csv: .texts(try quotedFields(record))
    case .jsonLines, .jsonArray: try jsonFields(record)
    }
  }

  /// RFC 4180, except that a quote inside a field that does not start with one stands for itself.
  private func quotedFields(_ record: UnsafeBufferPointer<UInt8>) throws(RecordProblem) -> [[UInt8]] {
    var fields: [[UInt8]] = []
    var position = 0
    repeat {
      if position < record.count, record[position] == UInt8(ascii: "\"") {
        guard let end = record.closingQuote(after: position) else {
          throw RecordProblem(expected: "a quote that closes field \(fields.count + 1)", found: "the end of the record")
        }
        fields.append(undoubled(record[position + 1..<end]))
        position = end + 1
        guard position == record.count || record[position] == UInt8(ascii: ",") else {
          throw RecordProblem(expected: "a comma after the quoted field \(fields.count)", found: "more text")
        }
      } else {
        let end = record[position...].firstIndex(of: UInt8(ascii: ",")) ?? record.count
        fields.append(Array(record[position..<end]))
        position = end
      }
      position += 1
    } while position <= record.count
    return fields
  }

  private func undoubled(_ field: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(field.count)
    var position = field.startIndex
    while position < field.endIndex {
      result.append(field[position])
      position += field[position] == UInt8(ascii: "\"") ? 2 : 1
    }
    return result
  }

  private func jsonFields(_ record: UnsafeBufferPointer<UInt8>) throws(RecordProblem) -> RecordFields {
    let isValid = invalidUTF8Bytes(record) == 0
    let bytes = isValid ? Array(record) : Array(String(decoding: record, as: UTF8.self).utf8)
    let value: JSONValue
    do { value = try JSONValue.parse(bytes) } catch {
      guard let error = error as? JSONError else { throw RecordProblem(expected: "JSON", found: "\(error)") }
      throw RecordProblem(expected: "\(error.expected) at byte \(error.offset) of the record", found: error.found)
    }
    switch value {
    case .string: return .values([value])
    case .array(let items): return .values(items)
    case .object(let object): return .object(object)
    default: throw RecordProblem(expected: "an object, a list of strings or a string", found: "another JSON value")
    }
  }
}
