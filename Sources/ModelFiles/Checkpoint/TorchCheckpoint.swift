// Reader of pytorch_model.bin as torch.save writes it since 1.6: a zip archive with one pickle and one record a
// storage. Nothing in it is executed. Called by ModelFolder.

import Files

/// An open PyTorch checkpoint: a dictionary of tensors.
package final class TorchCheckpoint: TensorSource {
  /// The file, for messages.
  package let path: String
  /// All tensors, in the order of the file.
  package let entries: [TensorEntry]
  /// Keys whose values are no tensors; they are left aside.
  package let ignored: [String]
  private let archive: ZipArchive
  private let root: String
  private let tensors: [PickleTensor]
  private let storages: [PickleStorage]

  /// Opens a checkpoint, runs its pickle in the restricted machine and checks each tensor against its record.
  /// - Throws: `FileError`, `ModelFileError`.
  package init(path: String) throws {
    self.path = path
    let file = try InputFile(path: path, expected: "a PyTorch checkpoint")
    guard try ZipArchive.recognises(file) else { throw Self.wrongKind(file) }
    archive = try ZipArchive(file)
    root = try Self.root(of: archive)
    try Self.checkByteOrder(archive, root: root)
    let pickle = try Self.record("data.pkl", archive, root: root)
    // It describes the tensors and does not hold them.
    guard pickle.size <= 32 << 20 else {
      throw FileError.malformed(
        path: path, place: "data.pkl", expected: "at most 32 MiB", found: "\(pickle.size) bytes")
    }
    var machine = PickleMachine(try archive.contents(of: pickle), path: path)
    let result = try machine.run()
    let collected = try Self.collect(result, machine)
    tensors = collected.tensors.map(\.tensor)
    storages = machine.storages
    ignored = collected.ignored
    let (types, counts) = (storages.map(\.type), storages.map(\.count))
    entries = collected.tensors.map { name, tensor in
      TensorEntry(
        name: name, type: types[tensor.storage], shape: tensor.shape,
        repeats: (elementCount(tensor.shape) ?? 0) > counts[tensor.storage])
    }
    for index in entries.indices { try check(index) }
  }

  /// Reads entry `index` as float32, row-major, from whatever type it is stored in.
  /// - Throws: `ModelFileError` where its type is not read or the file breaks off.
  package func read(_ index: Int, into destination: UnsafeMutablePointer<Float>) throws {
    let tensor = tensors[index]
    let storage = storages[tensor.storage]
    guard let width = storage.type.width, storage.type.isLoadable else {
      throw ModelFileError.tensorType(path: path, name: entries[index].name, found: storage.type.name)
    }
    try entries[index].refuseRepeats(path)
    if tensor.shape.contains(0) { return }
    let bytes = try archive.contents(of: try Self.record("data/" + storage.key, archive, root: root))
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var next = destination
      Self.gather(
        base + tensor.offset * width, storage.type, width, tensor.shape[...], tensor.strides[...], into: &next)
    }
  }

  /// Copies a strided view row-major. Recursion goes as deep as the tensor has dimensions: at most 64, see `check`.
  private static func gather(
    _ base: UnsafeRawPointer, _ type: ElementType, _ width: Int, _ shape: ArraySlice<Int>, _ strides: ArraySlice<Int>,
    into next: inout UnsafeMutablePointer<Float>
  ) {
    if let count = contiguousCount(shape, strides) {
      widen(base, as: type, count: count, into: next)
      next += count
      return
    }
    guard let extent = shape.first, let stride = strides.first else { return }
    for i in 0..<extent {
      gather(base + i * stride * width, type, width, shape.dropFirst(), strides.dropFirst(), into: &next)
    }
  }

  /// The number of elements where they lie one after the other in row-major order, else nil.
  private static func contiguousCount(_ shape: ArraySlice<Int>, _ strides: ArraySlice<Int>) -> Int? {
    var count = 1
    for (extent, stride) in zip(shape.reversed(), strides.reversed()) {
      if extent != 1, stride != count { return nil }
      count *= extent
    }
    return count
  }
}

// MARK: - Opening

extension TorchCheckpoint {
  private static func wrongKind(_ file: InputFile) -> FileError {
    let start = (try? file.bytes(at: 0, count: min(file.size, 2))) ?? []
    let isOld = start == [0x80, 2]
    return .malformed(
      path: file.path, place: "the file", expected: "a zip archive, as torch.save writes since PyTorch 1.6",
      found: isOld ? "the form of older versions, which is not read" : "other bytes",
      advice: isOld ? "Load it in PyTorch and save it again" : FileError.fetchAgain)
  }

  private static func root(of archive: ZipArchive) throws -> String {
    let pickles = archive.entries.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    guard pickles.count == 1, let pickle = pickles.first else {
      throw FileError.malformed(
        path: archive.file.path, place: "the zip archive", expected: "one data.pkl", found: "\(pickles.count)")
    }
    return String(pickle.dropLast("data.pkl".count))
  }

  private static func record(_ name: String, _ archive: ZipArchive, root: String) throws -> ZipArchive.Entry {
    guard let entry = archive.entries[root + name] else {
      throw FileError.malformed(
        path: archive.file.path, place: "the zip archive", expected: "an entry \(root.prefix(120))\(name.prefix(120))",
        found: "none")
    }
    return entry
  }

  private static func checkByteOrder(_ archive: ZipArchive, root: String) throws {
    guard let entry = archive.entries[root + "byteorder"] else { return }
    let text = entry.size <= 16 ? String(decoding: try archive.contents(of: entry), as: UTF8.self) : "a long text"
    guard text == "little" else {
      throw ModelFileError.unsupported(
        path: archive.file.path, what: "byteorder", found: "\"\(text)\"", supported: "little")
    }
  }

  private static func collect(
    _ result: PickleValue, _ machine: PickleMachine
  ) throws -> (tensors: [(name: String, tensor: PickleTensor)], ignored: [String]) {
    guard case .dict(let index) = result else { throw machine.broken("a dictionary of tensors", "another value") }
    var values: [String: PickleValue] = [:]
    var names: [String] = []
    for (key, value) in machine.dicts[index] {
      guard case .string(let name) = key else { throw machine.broken("names as keys", "another value") }
      if values.updateValue(value, forKey: name) == nil { names.append(name) }
    }
    var tensors: [(name: String, tensor: PickleTensor)] = []
    var ignored: [String] = []
    for name in names {
      if case .tensor(let tensor)? = values[name] {
        tensors.append((name, machine.tensors[tensor]))
      } else {
        ignored.append(name)
      }
    }
    guard !tensors.isEmpty else {
      throw machine.broken("a dictionary of tensors", "none among \(names.count) keys, first: \(names.prefix(4))")
    }
    return (tensors, ignored)
  }

  /// Checks that a tensor lies inside its storage, and the storage inside its record.
  private func check(_ index: Int) throws {
    let tensor = tensors[index]
    let storage = storages[tensor.storage]
    func broken(_ expected: String, _ found: String) -> FileError {
      .malformed(path: path, place: "tensor \"\(entries[index].name.prefix(120))\"", expected: expected, found: found)
    }
    guard tensor.shape.count <= PickleTensor.maximumDimensions, let count = elementCount(tensor.shape) else {
      throw broken("a shape that fits 64 bits and 64 dimensions", "\(tensor.shape.prefix(8))")
    }
    let record = try Self.record("data/" + storage.key, archive, root: root)
    let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.type.width ?? 1)
    guard !overflow, record.size == size else {
      throw broken("a record of \(storage.count) elements of \(storage.type.name)", "\(record.size) bytes")
    }
    var last: Int? = count == 0 ? tensor.offset - 1 : tensor.offset
    if count > 0 {
      for (extent, stride) in zip(tensor.shape, tensor.strides) {
        let (reach, overflow) = (extent - 1).multipliedReportingOverflow(by: stride)
        let sum = last?.addingReportingOverflow(reach)
        last = overflow || sum?.overflow != false ? nil : sum?.partialValue
      }
    }
    guard let last, last < storage.count else {
      throw broken(
        "elements inside its storage of \(storage.count)",
        "offset \(tensor.offset), shape \(tensor.shape), strides \(tensor.strides)")
    }
  }
}
