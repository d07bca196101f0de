// Reader of pytorch_model.bin as torch.save writes it: pickles that describe tensors, and a record for each storage.
// Nothing in it is executed. Called by ModelFolder.

import Files

/// An open PyTorch checkpoint: a dictionary of tensors.
package final class TorchCheckpoint: TensorSource {
  /// The file, for messages.
  package let path: String
  /// All tensors, in the order of the file.
  package let entries: [TensorEntry]
  /// Keys whose values are no tensors; they are left aside.
  package let ignored: [String]
  private let records: any TorchRecords
  private let tensors: [PickleTensor]
  private let storages: [PickleStorage]

  /// Opens a checkpoint, runs its pickle in the restricted machine and checks each tensor against its record.
  /// - Throws: `FileError`, `ModelFileError`.
  package init(path: String) throws {
    self.path = path
    let file = try InputFile(path: path, expected: "a PyTorch checkpoint")
    let opened: (records: any TorchRecords, machine: PickleMachine, result: PickleValue)
    if try ZipArchive.recognises(file) {
      opened = try TorchArchive.open(file)
    } else if try TorchStream.recognises(file) {
      opened = try TorchStream.open(file)
    } else {
      throw FileError.malformed(
        path: path, place: "the file", expected: "what torch.save writes: a zip archive, or pickles in a row",
        found: "other bytes")
    }
    let (machine, collected) = (opened.machine, try Self.collect(opened.result, opened.machine))
    records = opened.records
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
    let bytes = try records.bytes(of: storage)
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
  private typealias Collected = (tensors: [(name: String, tensor: PickleTensor)], ignored: [String])

  /// Where training loops put the model among what else they save.
  private static let nested = ["state_dict", "model_state_dict", "model"]

  /// The tensors of the dictionary that was saved, or of the one dictionary in it that holds a model.
  private static func collect(_ result: PickleValue, _ machine: PickleMachine) throws -> Collected {
    guard case .dict(let index) = result else { throw machine.broken("a dictionary of tensors", "another value") }
    let (outer, values) = try tensors(of: index, machine)
    if !outer.tensors.isEmpty { return outer }
    let inner = try nested.compactMap { key in
      guard case .dict(let index)? = values[key] else { return nil as (key: String, model: Collected)? }
      return (key, try tensors(of: index, machine).collected)
    }.filter { !$0.model.tensors.isEmpty }
    guard inner.count == 1, let (key, model) = inner.first else {
      throw machine.broken(
        "a dictionary of tensors, or of one named \(nested.joined(separator: ", "))",
        "no tensor among \(outer.ignored.count) keys, first: \(outer.ignored.prefix(4))")
    }
    return (model.tensors, model.ignored + outer.ignored.filter { $0 != key })
  }

  private static func tensors(
    of dict: Int, _ machine: PickleMachine
  ) throws -> (collected: Collected, values: [String: PickleValue]) {
    var values: [String: PickleValue] = [:]
    var names: [String] = []
    for (key, value) in machine.dicts[dict] {
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
    return ((tensors, ignored), values)
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
    let found = try records.size(of: storage)
    let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.type.width ?? 1)
    guard !overflow, found == size else {
      throw broken("a record of \(storage.count) elements of \(storage.type.name)", "\(found) bytes")
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
