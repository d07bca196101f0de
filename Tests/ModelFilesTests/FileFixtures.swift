// What the file tests share: the numbers of Tests/Fixtures/files/make_fixture.py, and short cuts to them.

import Foundation
import ModelFiles
import TestSupport

/// Tensor number `i` of the fixtures, element `k`.
func fixtureValue(_ i: Int, _ k: Int) -> Float { Float((7 * k + 3 * i) % 101 - 50) / 64 }

func fixtureValues(_ i: Int, _ indices: some Sequence<Int>) -> [Float] { indices.map { fixtureValue(i, $0) } }

func bytes(of path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

/// A safetensors file from a header text and data bytes.
func safetensors(_ header: String, data: Int) -> [UInt8] {
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8)
    + [UInt8](repeating: 1, count: data)
}

extension TensorSource {
  /// A tensor's values by its name in the file.
  func values(_ name: String) throws -> [Float] {
    guard let index = entries.firstIndex(where: { $0.name == name }) else {
      throw ModelFileError.missingTensors(path: path, names: [name])
    }
    var result = [Float](repeating: .nan, count: entries[index].shape.reduce(1, *))
    try result.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { try read(index, into: base) }
    }
    return result
  }
}

extension WeightTable {
  func values(_ name: String, _ shape: [Int]) throws -> [Float] {
    var result = [Float](repeating: .nan, count: shape.reduce(1, *))
    try result.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { try copy(name, shape: shape, into: base) }
    }
    return result
  }
}

/// The text of the error a body throws, or nil.
func errorText(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}
