// The files of an index, open at their ends. Rows go behind those that count, and count once all of them are on the
// disk and index.json says so: a process that is killed before leaves the index as it was.

import Files
package import Kernels

/// Appends vectors and texts to an index.
package final class IndexWriter {
  private let folder: String
  private var record: IndexRecord
  private let vectors: NPYRowsWriter, codes: NPYRowsWriter, bounds: NPYRowsWriter
  private let texts: OutputFile

  /// Begins the files of an index in a folder that is there and empty.
  /// - Throws: `FileError.cannotWrite`.
  package convenience init(newIn folder: String, width: Int, model: IndexedModel) throws {
    try self.init(newIn: folder, IndexRecord(rows: 0, width: width, textBytes: 0, model: model))
  }

  convenience init(newIn folder: String, _ record: IndexRecord) throws {
    try self.init(folder, behind: nil, record)
  }

  /// Goes on behind the rows that count; what an ended process left behind them is dropped.
  convenience init(behind record: IndexRecord, in folder: String) throws {
    try self.init(folder, behind: record.rows, record)
  }

  private init(_ folder: String, behind rows: Int?, _ record: IndexRecord) throws {
    (self.folder, self.record) = (folder, record)
    let names = SentenceIndex.File.self
    vectors = try NPYRowsWriter(path: folder + "/" + names.vectors, .float32, behind: rows, columns: record.width)
    codes = try NPYRowsWriter(path: folder + "/" + names.codes, .int8, behind: rows, columns: record.width)
    bounds = try NPYRowsWriter(path: folder + "/" + names.bounds, .float32, behind: rows, columns: 2)
    let path = folder + "/" + names.texts
    texts = rows == nil ? try OutputFile(path: path) : try OutputFile(continuing: path, at: record.textBytes)
  }

  /// Appends vectors of length 1 (or 0) without gaps between them, and a text for each; a line feed in a text becomes a
  /// blank.
  /// - Throws: `FileError.cannotWrite`.
  package func append(_ matrix: Matrix, _ lines: [[UInt8]]) throws {
    precondition(matrix.rows == lines.count && matrix.columns == record.width && matrix.rowStride == matrix.columns)
    let width = matrix.columns
    var bytes = [Int8](repeating: 0, count: matrix.rows * width)
    var pairs: [Float] = []
    bytes.withUnsafeMutableBufferPointer { bytes in
      guard let start = bytes.baseAddress else { return }
      for row in 0..<matrix.rows {
        let vector = QuantizedVector(matrix.row(row), width: width, codes: start + row * width)
        pairs += [vector.step, vector.error]
      }
    }
    try vectors.append(matrix.pointer, rows: matrix.rows)
    try bytes.withUnsafeBytes { if let start = $0.baseAddress { try codes.append(start, rows: matrix.rows) } }
    try pairs.withUnsafeBytes { if let start = $0.baseAddress { try bounds.append(start, rows: matrix.rows) } }
    let text = lines.flatMap { $0.map { $0 == 10 ? 32 : $0 } + [10] }
    try texts.write(text)
    record.rows += matrix.rows
    record.textBytes += text.count
  }

  /// From here on the new rows count.
  /// - Throws: `FileError.cannotWrite`.
  package func commit() throws {
    for rows in [vectors, codes, bounds] { try rows.sync() }
    try texts.close()
    try AtomicFile.write(to: folder + "/" + IndexRecord.name) { try $0.write(record.json.text() + "\n") }
    // NumPy and FAISS take their number from the headers; the index itself does not.
    for rows in [vectors, codes, bounds] { try rows.finish() }
  }
}
