// The service "cse.rows/1": samplers and losses read the texts of the training data. Training says what they are; what
// is asked and how failures get out stands here.

import CIsolation
import PluginAPI

/// The texts of a run's rows.
package final class RowTexts: Sendable, Equatable {
  /// Row ids are below it.
  let rows: Int
  /// Text columns of a row.
  let columns: Int
  private let read: @Sendable (_ row: Int, _ column: Int) throws -> [UInt8]

  /// - Parameter read: gives the UTF-8 of a column of a row; called for those that there are.
  package init(rows: Int, columns: Int, read: @escaping @Sendable (_ row: Int, _ column: Int) throws -> [UInt8]) {
    (self.rows, self.columns, self.read) = (rows, columns, read)
  }

  /// The text of a column, nil where there is no such row or column.
  func text(_ row: Int64, _ column: Int32) throws -> [UInt8]? {
    guard row >= 0, row < Int64(rows), column >= 0, Int(column) < columns else { return nil }
    return try read(Int(row), Int(column))
  }

  /// The same object.
  package static func == (a: RowTexts, b: RowTexts) -> Bool { a === b }
}

/// What `get_service` returns for the id.
enum RowsService {
  nonisolated(unsafe) static let table: UnsafePointer<cse_rows_1> = {
    let table = UnsafeMutablePointer<cse_rows_1>.allocate(capacity: 1)
    table.initialize(
      to: cse_rows_1(
        struct_size: UInt32(MemoryLayout<cse_rows_1>.size), reserved: 0,
        size: { call, columns in
          let texts = CallContext.of(call)?.texts
          columns?.pointee = Int32(texts?.columns ?? 0)
          return Int64(texts?.rows ?? -1)
        },
        text: { call, row, column, length in
          length?.pointee = 0
          guard let context = CallContext.of(call), let texts = context.texts else { return nil }
          // Files are read with the guards of the host's own code.
          let entry = iso_suspend()
          defer { iso_resume(entry) }
          do {
            return try context.lent.lend(.row(row, column: column), length) { try texts.text(row, column) }
          } catch {
            context.textFailure = error
            return nil
          }
        }))
    return UnsafePointer(table)
  }()
}
