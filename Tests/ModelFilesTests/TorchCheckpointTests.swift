// The pytorch_model.bin reader against files written by torch.save, and hostile pickles.

import Files
import Foundation
import ModelFiles
import TestSupport
import Testing

@Suite("PyTorch checkpoints")
struct TorchCheckpointTests {
  static let files = [
    "torch_p2.bin", "torch_p3.bin", "torch_p4.bin", "torch_p5.bin", "torch_dict.bin", "torch_deflate.bin",
    "torch_zip64.bin", "torch_legacy.bin", "torch_nested.bin",
  ]

  @Test("reads every protocol and packing, types, strides and shared storages", arguments: files)
  func readsTorchCheckpoints(name: String) throws {
    let file = try TorchCheckpoint(path: Resources.fixture("files/" + name))
    #expect(try file.values("roberta.plain") == fixtureValues(0, 0..<12))
    #expect(try file.values("half") == fixtureValues(1, 0..<7))
    #expect(try file.values("bfloat") == fixtureValues(2, 0..<7))
    #expect(try file.values("transposed") == fixtureValues(3, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]))
    #expect(try file.values("parameter") == fixtureValues(4, 0..<4))
    #expect(try file.values("whole") == fixtureValues(5, 0..<24))
    #expect(try file.values("rows") == fixtureValues(5, 8..<20))
    #expect(try file.values("column") == fixtureValues(5, stride(from: 1, to: 24, by: 4)))
    #expect(errorText { _ = try file.values("expanded") }?.contains("a repetition of fewer elements") == true)
    #expect(try file.values("scalar") == fixtureValues(7, 0..<1))
    #expect(try file.values("empty").isEmpty)
    #expect(file.ignored == ["epoch"] + (name == "torch_nested.bin" ? ["optimizer", "step"] : []))
    #expect(errorText { _ = try file.values("integers") }?.contains("found I64") == true)
    let table = try WeightTable(file)
    #expect(table.contains("plain"))
    #expect(errorText { try table.require([("expanded", [2, 3])]) }?.contains(".contiguous()") == true)
  }

  @Test("a reference to anything else is named and nothing runs")
  func foreignReferencesAreNamedAndNothingRuns() throws {
    let text = errorText { _ = try TorchCheckpoint(path: Resources.fixture("files/torch_hostile.bin")) }
    #expect(text?.contains("posix.system") == true, "\(text ?? "no error")")
    #expect(!FileManager.default.fileExists(atPath: "/tmp/cse-was-executed"))
  }

  @Test("other files are named for what they are not")
  func otherForms() throws {
    let other = errorText { _ = try TorchCheckpoint(path: Resources.fixture("files/tiny.safetensors")) }
    #expect(other?.contains("found other bytes") == true)
  }

  @Test(
    "every truncation and 2000 random changes give values or an error",
    arguments: ["p2", "p5", "deflate", "zip64", "legacy"])
  func damagedTorchCheckpoints(name: String) throws {
    try mutate(Resources.fixture("files/torch_\(name).bin"), suffix: "bin", changes: 2000)
  }

  /// A pickle wrapped in a zip archive with one storage record of eight bytes.
  private func open(_ pickle: [UInt8]) throws -> String? {
    let scratch = try Scratch()
    let path = try scratch.file(
      "x.bin", storedZip([("a/data.pkl", pickle), ("a/data/0", [UInt8](repeating: 0, count: 8))]))
    return errorText { _ = try TorchCheckpoint(path: path) }
  }

  @Test("recursion, huge lengths and stack tricks in a pickle are errors")
  func hostilePickles() throws {
    let start: [UInt8] = [0x80, 2]
    let nested = start + [UInt8](repeating: UInt8(ascii: "]"), count: 1) + [UInt8](repeating: 0x85, count: 1_000_000)
    #expect(try open(nested + [UInt8(ascii: ".")])?.contains("dictionary of tensors") == true)
    let lists =
      start + (0..<300_000).flatMap { _ in [UInt8(ascii: "]")] } + [UInt8](repeating: UInt8(ascii: "a"), count: 299_999)
    #expect(try open(lists + [UInt8(ascii: ".")])?.contains("dictionary of tensors") == true)
    // A list that holds itself: ] q0 h0 a .
    #expect(try open(start + Array("]q".utf8) + [0] + Array("h".utf8) + [0] + Array("a.".utf8)) != nil)
    #expect(try open(start + [0x8D, 255, 255, 255, 255, 255, 255, 255, 127])?.contains("until the end") == true)
    #expect(try open(start + [0x8D, 255, 255, 255, 255, 255, 255, 255, 255])?.contains("2^63") == true)
    #expect(try open(start + [0x8B, 255, 255, 255, 255])?.contains("until the end") == true)
    for operations in [".", "0.", "1.", "2.", "t.", "a.", "s.", "R.", "b.", "Q.", "e.", "u.", "(1.", "(0.", "]s."] {
      #expect(try open(start + Array(operations.utf8)) != nil, "\(operations)")
    }
    #expect(try open(start)?.contains("the end") == true)
    #expect(try open([])?.contains("pickle protocol") == true)
    #expect(try open(Array("(dp0\n.".utf8))?.contains("pickle protocol") == true)
    #expect(try open(start + Array("cos\nsystem\n.".utf8))?.contains("os.system") == true)
    #expect(try open(start + Array("cbuiltins\neval\n.".utf8))?.contains("builtins.eval") == true)
    #expect(try open(start + Array("i".utf8))?.contains("operation 0x69") == true)
    #expect(
      try open(start + [UInt8](repeating: UInt8(ascii: "N"), count: 1 << 21 + 1))?.contains("at most 2097152 values")
        == true)
  }

  @Test("pickles and records that unpack to far more than they are large are refused before they are unpacked")
  func bombs() throws {
    let script = """
      import sys, zipfile
      with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/data.pkl", b"]" * (int(sys.argv[2]) << 20))
        z.writestr("a/data/0", bytes(80 << 20))
      """
    let scratch = try Scratch()
    let path = scratch.path + "/x.bin"
    try #require(try shell(["python3", "-c", script, path, "40"]).code == 0)
    #expect(errorText { _ = try TorchCheckpoint(path: path) }?.contains("data.pkl: expected at most 32 MiB") == true)
    let archive = try ZipArchive(InputFile(path: path, expected: "an archive"))
    let record = try #require(archive.entries["a/data/0"])
    #expect(errorText { _ = try archive.contents(of: record) }?.contains("at most 100 times") == true)
  }

  @Test("tensors outside their storage, and sizes that overflow, are errors")
  func hostileTensors() throws {
    func pickle(count: Int, offset: Int, shape: [Int], strides: [Int]) -> [UInt8] {
      func int(_ value: Int) -> [UInt8] { [0x8A, 8] + withUnsafeBytes(of: value) { Array($0) } }
      func tuple(_ values: [Int]) -> [UInt8] { [40] + values.flatMap(int) + Array("t".utf8) }
      func text(_ value: String) -> [UInt8] { [0x58, UInt8(value.utf8.count), 0, 0, 0] + Array(value.utf8) }
      let storage =
        [40] + text("storage") + Array("ctorch\nFloatStorage\n".utf8) + text("0") + text("cpu") + int(count)
        + Array("tQ".utf8)
      let tensor =
        Array("ctorch._utils\n_rebuild_tensor_v2\n(".utf8) + storage + int(offset) + tuple(shape) + tuple(strides)
        + [0x89] + Array("}tR".utf8)
      return [0x80, 2] + Array("}".utf8) + text("w") + tensor + Array("s.".utf8)
    }
    #expect(try open(pickle(count: 2, offset: 0, shape: [2], strides: [1])) == nil)
    #expect(try open(pickle(count: 2, offset: 1, shape: [2], strides: [1]))?.contains("inside its storage") == true)
    #expect(try open(pickle(count: 2, offset: -1, shape: [2], strides: [1])) != nil)
    #expect(try open(pickle(count: 2, offset: 0, shape: [2], strides: [-1])) != nil)
    #expect(try open(pickle(count: 2, offset: 0, shape: [3], strides: [1])) != nil)
    #expect(try open(pickle(count: 2, offset: .max, shape: [2], strides: [.max])) != nil)
    #expect(try open(pickle(count: 2, offset: 0, shape: [.max, .max], strides: [0, 0])) != nil)
    #expect(try open(pickle(count: .max, offset: 0, shape: [2], strides: [1]))?.contains("record") == true)
    #expect(try open(pickle(count: 2, offset: 0, shape: [2, 1], strides: [1])) != nil)
    #expect(
      try open(
        pickle(count: 2, offset: 0, shape: Array(repeating: 1, count: 80), strides: Array(repeating: 1, count: 80)))?
        .contains("at most 64 dimensions, found 80") == true)
  }
}

/// A zip archive of stored entries.
func storedZip(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 255) } }
  var archive: [UInt8] = []
  var directory: [UInt8] = []
  for (name, bytes) in files {
    let common =
      little(0, 2) + little(0, 2) + little(0, 4) + little(Int(checksum(bytes)), 4) + little(bytes.count, 4)
      + little(bytes.count, 4) + little(name.utf8.count, 2) + little(0, 2)
    directory +=
      little(0x0201_4B50, 4) + little(20, 2) + little(20, 2) + common + little(0, 10) + little(archive.count, 4)
      + Array(name.utf8)
    archive += little(0x0403_4B50, 4) + little(20, 2) + common + Array(name.utf8) + bytes
  }
  let end =
    little(0x0605_4B50, 4) + little(0, 4) + little(files.count, 2) + little(files.count, 2)
    + little(directory.count, 4) + little(archive.count, 4) + little(0, 2)
  return archive + directory + end
}

/// CRC-32, bit by bit.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(UInt32.max) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
  }
}
