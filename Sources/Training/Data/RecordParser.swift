// One record of a training file to its fields. Pure: called by TrainingData for the index and again for every batch.

import Files

/// Why a record cannot be used.
struct RecordProblem: Error, Equatable {
  var expected: String
  var found: String
}

/// The names by which headers and JSON keys say which column a field belongs to.
enum ColumnNames {
  static let known: [[String]] = [
    ["sent0", "sentence", "sentence1", "text", "anchor"],
    ["sent1", "sentence2", "positive"],
    ["hard_neg", "negative"],
  ]

  /// 0 for the anchor, 1 for the positive, 2 for the hard negative; nil for any other name.
  static func column(of name: String) -> Int? { known.firstIndex { $0.contains(name) } }
}

/// Cuts records of one format into fields.
struct RecordParser {
  let format: DataFormat

  /// The fields of a record, as bytes; JSON objects come back in the order anchor, positive, hard negative.
  func fields(_ record: UnsafeBufferPointer<UInt8>) throws(RecordProblem) -> [[UInt8]] {
    switch format {
    case .text: [Array(record)]
    case .tsv: record.split(separator: 9, omittingEmptySubsequences: false).map(Array.init)
    case .csv: try quotedFields(record)
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

  private func jsonFields(_ record: UnsafeBufferPointer<UInt8>) throws(RecordProblem) -> [[UInt8]] {
    let isValid = invalidUTF8Bytes(record) == 0
    let bytes = isValid ? Array(record) : Array(String(decoding: record, as: UTF8.self).utf8)
    let value: JSONValue
    do { value = try JSONValue.parse(bytes) } catch {
      guard let error = error as? JSONError else { throw RecordProblem(expected: "JSON", found: "\(error)") }
      throw RecordProblem(expected: "\(error.expected) at byte \(error.offset) of the record", found: error.found)
    }
    switch value {
    case .string(let text): return [Array(text.utf8)]
    case .array(let items): return try items.map { item throws(RecordProblem) in try bytesOf(item, "every item") }
    case .object(let object): return try fields(of: object)
    default: throw RecordProblem(expected: "an object, a list of strings or a string", found: "another JSON value")
    }
  }

  private func fields(of object: JSONObject) throws(RecordProblem) -> [[UInt8]] {
    var columns: [[UInt8]?] = [nil, nil, nil]
    for key in object.keys {
      guard let column = ColumnNames.column(of: key), let value = object[key] else { continue }
      guard columns[column] == nil else {
        throw RecordProblem(
          expected: "one of the keys \(ColumnNames.known[column].joined(separator: ", "))", found: "two of them")
      }
      columns[column] = try bytesOf(value, "\"\(key)\"")
    }
    let fields = columns.prefix { $0 != nil }.compactMap { $0 }
    guard fields.count == columns.compactMap({ $0 }).count, !fields.isEmpty else {
      throw RecordProblem(
        expected: "an anchor (\(ColumnNames.known[0].joined(separator: ", "))), then a positive "
          + "(\(ColumnNames.known[1].joined(separator: ", "))), then a hard negative",
        found: "the keys " + object.keys.prefix(8).joined(separator: ", "))
    }
    return fields
  }

  private func bytesOf(_ value: JSONValue, _ place: String) throws(RecordProblem) -> [UInt8] {
    guard let text = value.string else { throw RecordProblem(expected: "a string in \(place)", found: "another value") }
    return Array(text.utf8)
  }
}

/// How many bytes of the text belong to no valid UTF-8 sequence.
package func invalidUTF8Bytes(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
  var invalid = 0
  var position = 0
  while position < bytes.count {
    let lead = bytes[position]
    if lead < 0x80 {
      position += 1
      continue
    }
    let length = sequenceLength(bytes, at: position)
    invalid += length == 0 ? 1 : 0
    position += max(length, 1)
  }
  return invalid
}

/// The length of the well-formed sequence of two to four bytes at `position`, or 0. Source: Unicode 15, table 3-7.
private func sequenceLength(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
  func tail(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
    position + offset < bytes.count && range.contains(bytes[position + offset])
  }
  switch bytes[position] {
  case 0xC2...0xDF: return tail(1) ? 2 : 0
  case 0xE0: return tail(1, 0xA0...0xBF) && tail(2) ? 3 : 0
  case 0xED: return tail(1, 0x80...0x9F) && tail(2) ? 3 : 0
  case 0xE1...0xEF: return tail(1) && tail(2) ? 3 : 0
  case 0xF0: return tail(1, 0x90...0xBF) && tail(2) && tail(3) ? 4 : 0
  case 0xF1...0xF3: return tail(1) && tail(2) && tail(3) ? 4 : 0
  case 0xF4: return tail(1, 0x80...0x8F) && tail(2) && tail(3) ? 4 : 0
  default: return 0
  }
}
