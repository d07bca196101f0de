// .npy files against NumPy's (Tests/Fixtures/files/make_fixture.py).

import Files
import Foundation
import Kernels
import TestSupport
import Testing

@Suite("npy files")
struct NPYTests {
  private func values(_ file: NPYFile) -> [Float] { (0..<file.rows * file.columns).map { file.buffer.pointer[$0] } }

  private func problem(_ path: String) -> String {
    do {
      _ = try NPYFile(contentsOf: path)
      return "none"
    } catch {
      return "\(error)"
    }
  }

  @Test("float32, float64 and versions 1 to 3", arguments: ["f4", "f8", "v2", "v3"])
  func readsMatrixFiles(name: String) throws {
    let file = try NPYFile(contentsOf: Resources.fixture("files/\(name).npy"))
    #expect(file.rows == 3 && file.columns == 4)
    #expect(values(file) == (0..<12).map { Float($0) / 8 })
  }

  @Test("other forms are refused by name")
  func refusedMatrixFiles() {
    #expect(problem(Resources.fixture("files/fortran.npy")).contains("C order"))
    #expect(problem(Resources.fixture("files/vector.npy")).contains("two dimensions, found shape (4,)"))
    #expect(problem(Resources.fixture("files/int.npy")).contains("<f4 or <f8, found <i8"))
    #expect(problem(Resources.fixture("files/big_endian.npy")).contains("found >f4"))
    #expect(problem(Resources.fixture("files/tiny.safetensors")).contains("a .npy file, found other bytes"))
    #expect(problem("/no.npy").contains("not found; expected a matrix as .npy file"))
  }

  @Test("rows without numbers are refused, however many the header counts")
  func emptyRows() throws {
    func problem(shape: String) throws -> String {
      let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }"
      let header = text.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
      let bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8)
      let scratch = try Scratch()
      return self.problem(try scratch.file("x.npy", bytes))
    }
    for shape in ["9223372036854775807, 0", "3, 0", "0, 0", "0, 9223372036854775807"] {
      #expect(try problem(shape: shape).contains("rows of 1 to 16777216 numbers"), "\(shape)")
    }
    #expect(try problem(shape: "0, 8") == "none")
  }

  @Test("truncations and random changes give a matrix or an error")
  func damagedMatrixFiles() throws {
    let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Resources.fixture("files/f4.npy"))))
    let path = NSTemporaryDirectory() + "cse-\(UUID().uuidString).npy"
    defer { try? FileManager.default.removeItem(atPath: path) }
    for length in 0..<original.count {
      try Data(original[..<length]).write(to: URL(fileURLWithPath: path))
      #expect(problem(path) != "none")
    }
    for position in 0..<128 {
      for byte in [0, 0xFF, UInt8(ascii: "9"), UInt8(ascii: "("), UInt8(ascii: "'")] {
        var copy = original
        copy[position] = byte
        try Data(copy).write(to: URL(fileURLWithPath: path))
        _ = problem(path)
      }
    }
  }

  @Test("writes byte for byte what it reads, row strides and empty matrices included")
  func writesMatrixFiles() throws {
    let path = NSTemporaryDirectory() + "cse-\(UUID().uuidString).npy"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let buffer = FloatBuffer(count: 12)
    for i in 0..<12 { buffer.pointer[i] = Float(i) }
    try NPYFile.write(Matrix(buffer.pointer, rows: 3, columns: 2, rowStride: 4), to: path)
    let read = try NPYFile(contentsOf: path)
    #expect(read.rows == 3 && read.columns == 2 && values(read) == [0, 1, 4, 5, 8, 9])
    try NPYFile.write(Matrix(buffer.pointer, rows: 0, columns: 2), to: path)
    #expect(try NPYFile(contentsOf: path).rows == 0)
    #expect(throws: FileError.self) { _ = try NPYWriter(path: "/proc/self/x.npy", columns: 2) }
  }
}
