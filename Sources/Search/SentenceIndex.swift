// An index of sentences: a folder of vectors, the same as bytes, and texts, which `mixcse index` writes and `mixcse
// search` looks through. Exact: bytes decide only which rows are worth the float32 product.
//
//   index.json     how many rows count, and which model made them
//   vectors.npy    float32 [rows, width], of length 1
//   codes.npy      int8 [rows, width]
//   bounds.npy     float32 [rows, 2]: the step of a row's codes, and the length of what they leave out
//   texts.txt      a line for each row
//   graph.bin      links between near rows, where they were asked for: Graph/

import Files
import Kernels
import Synchronization

/// A row that was found.
package struct SearchHit: Sendable, Equatable {
  /// From 0, in the order of the texts.
  package var row: Int
  /// The cosine of its vector and the query's, summed in double precision.
  package var score: Float

  /// A row with its score.
  package init(row: Int, score: Float) { (self.row, self.score) = (row, score) }
}

/// An opened index. What is appended to it later is not seen.
package final class SentenceIndex: Sendable {
  /// The names of its files.
  enum File {
    static let vectors = "vectors.npy", codes = "codes.npy", bounds = "bounds.npy", texts = "texts.txt"
    static let all = [IndexRecord.name, vectors, codes, bounds, texts, GraphFile.name]
  }

  /// Where it lies.
  package let folder: String
  /// Texts in it.
  package var rows: Int { record.rows }
  /// Numbers of a vector.
  package var width: Int { record.width }
  /// What made the vectors.
  package var model: IndexedModel { record.model }

  let record: IndexRecord
  let vectors: NPYRows
  let codeRows: NPYRows
  /// [rows, width] bytes in the memory of float32 numbers, once an exact search wants them.
  private let loadedCodes = Mutex<FloatBuffer?>(nil)
  /// [rows] each.
  let steps: FloatBuffer, errors: FloatBuffer
  private let texts: IndexedTexts

  /// Opens the index in a folder.
  /// - Throws: `SearchError.noIndex`, `FileError`.
  package init(folder: String) throws {
    self.folder = Path.withoutTrailingSlashes(folder)
    record = try IndexRecord(folder: self.folder)
    let (path, rows, width) = (self.folder + "/", record.rows, record.width)
    func open(_ name: String, _ element: NPYElement, _ columns: Int) throws -> NPYRows {
      try NPYRows(path: path + name, element, rows: rows, columns: columns, expected: "a part of an index")
    }
    vectors = try open(File.vectors, .float32, width)
    codeRows = try open(File.codes, .int8, width)
    let bounds = try open(File.bounds, .float32, 2)
    (steps, errors) = (FloatBuffer(count: rows), FloatBuffer(count: rows))
    let pairs = FloatBuffer(count: 2 * rows)
    try bounds.read(0..<rows, into: pairs.pointer)
    for row in 0..<rows {
      (steps.pointer[row], errors.pointer[row]) = (pairs.pointer[2 * row], pairs.pointer[2 * row + 1])
    }
    texts = IndexedTexts(path: path + File.texts, rows: rows, bytes: record.textBytes)
  }

  /// The bytes of all rows, [rows, width]; they live as long as the index.
  /// - Throws: `FileError`
  func codes() throws -> UnsafePointer<Int8> {
    let buffer = try loadedCodes.withLock { loaded in
      if let loaded { return loaded }
      let buffer = FloatBuffer(count: (rows * width + 3) / 4)
      try codeRows.read(0..<rows, into: buffer.pointer)
      loaded = buffer
      return buffer
    }
    return UnsafeRawPointer(buffer.pointer).assumingMemoryBound(to: Int8.self)
  }

  /// Copies the vectors of rows, in that order, to [rows, width].
  /// - Throws: `FileError`
  package func copyVectors(of rows: [Int], to target: UnsafeMutablePointer<Float>) throws {
    for (place, row) in rows.enumerated() { try vectors.read(row..<row + 1, into: target + place * width) }
  }

  /// The texts of rows, in that order; bytes that are no UTF-8 come as U+FFFD.
  /// - Throws: `FileError`.
  package func texts(of rows: [Int]) throws -> [String] { try texts[rows] }

  /// What made the vectors of the index in a folder, which is not opened for that.
  /// - Throws: `SearchError.noIndex`, `FileError`.
  package static func recordedModel(in folder: String) throws -> IndexedModel { try IndexRecord(folder: folder).model }

  /// Refuses a model that makes other vectors.
  /// - Throws: `SearchError.otherModel`.
  package func check(_ model: IndexedModel) throws {
    guard let found = record.model.difference(from: model) else { return }
    throw SearchError.otherModel(path: folder, folder: model.folder, found: found)
  }
}
