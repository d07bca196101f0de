// The two forms of what torch.save writes: since 1.6 a zip archive with one pickle and one record a storage, before
// that four pickles and all storages in a row. Called by TorchCheckpoint.
// Source: torch/serialization.py, _save and _legacy_save.

import Files

/// The bytes of a checkpoint's storages.
protocol TorchRecords {
  /// How many bytes there are of a storage.
  func size(of storage: PickleStorage) throws -> Int
  /// All bytes of a storage.
  func bytes(of storage: PickleStorage) throws -> [UInt8]
}

/// A zip archive: `data.pkl`, and `data/KEY` for each storage.
struct TorchArchive: TorchRecords {
  private let archive: ZipArchive
  private let root: String

  static func open(_ file: InputFile) throws -> (any TorchRecords, PickleMachine, PickleValue) {
    let archive = try ZipArchive(file)
    let records = TorchArchive(archive: archive, root: try root(of: archive))
    try records.refuseOthers()
    let pickle = try records.entry("data.pkl")
    // It describes the tensors and does not hold them.
    guard pickle.size <= maximumPickle else {
      throw FileError.malformed(
        path: file.path, place: "data.pkl", expected: "at most \(maximumPickle >> 20) MiB",
        found: "\(pickle.size) bytes")
    }
    var machine = PickleMachine(try archive.contents(of: pickle), path: file.path)
    let result = try machine.run()
    return (records, machine, result)
  }

  func size(of storage: PickleStorage) throws -> Int { try entry("data/" + storage.key).size }

  func bytes(of storage: PickleStorage) throws -> [UInt8] {
    try archive.contents(of: try entry("data/" + storage.key))
  }

  private static func root(of archive: ZipArchive) throws -> String {
    let pickles = archive.entries.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    guard pickles.count == 1, let pickle = pickles.first else {
      throw FileError.malformed(
        path: archive.file.path, place: "the zip archive", expected: "one data.pkl", found: "\(pickles.count)")
    }
    return String(pickle.dropLast("data.pkl".count))
  }

  private func entry(_ name: String) throws -> ZipArchive.Entry {
    guard let entry = archive.entries[root + name] else {
      throw FileError.malformed(
        path: archive.file.path, place: "the zip archive", expected: "an entry \(root.prefix(120))\(name.prefix(120))",
        found: "none")
    }
    return entry
  }

  private func refuseOthers() throws {
    // torch.jit.save keeps a program beside the tensors, which torch.load does not read either.
    guard archive.entries[root + "constants.pkl"] == nil else {
      throw ModelFileError.unsupported(
        path: archive.file.path, what: "the file", found: "a TorchScript module",
        supported: "weights; save its state_dict() with torch.save")
    }
    guard let entry = archive.entries[root + "byteorder"] else { return }
    let text = entry.size <= 16 ? String(decoding: try archive.contents(of: entry), as: UTF8.self) : "a long text"
    guard text == "little" else {
      throw ModelFileError.unsupported(
        path: archive.file.path, what: "byteorder", found: "\"\(text)\"", supported: "little")
    }
  }
}

/// The form before version 1.6: a magic number, a version, the system, the saved value and the keys of its storages, a
/// pickle each; then for each key the number of elements (8 bytes) and the elements.
struct TorchStream: TorchRecords {
  private let file: InputFile
  private let places: [String: Range<Int>]

  /// The pickle of 0x1950A86A20F9469CFC6C, up to its protocol.
  private static let magic: [UInt8] = [
    0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, UInt8(ascii: "."),
  ]

  static func recognises(_ file: InputFile) throws -> Bool {
    guard file.size >= magic.count + 2 else { return false }
    let start = try file.bytes(at: 0, count: magic.count + 2)
    return start[0] == 0x80 && Array(start.dropFirst(2)) == magic
  }

  static func open(_ file: InputFile) throws -> (any TorchRecords, PickleMachine, PickleValue) {
    let bytes = try file.bytes(at: 0, count: min(file.size, maximumPickle))
    var position = magic.count + 2
    func next() throws -> (PickleMachine, PickleValue) {
      var machine = PickleMachine(bytes, at: position, path: file.path)
      let value = try machine.run()
      position = machine.position
      return (machine, value)
    }
    let (versions, version) = try next()
    guard version == .int(1001) else { throw versions.broken("protocol version 1001", "another") }
    let (systems, system) = try next()
    guard case .dict(let index) = system,
      systems.dicts[index].contains(where: { $0.key == .string("little_endian") && $0.value == .bool(true) })
    else { throw systems.broken("a little-endian system", "another") }
    let (machine, result) = try next()
    let (keys, list) = try next()
    guard case .list(let index) = list else { throw keys.broken("the list of storages", "another value") }
    let records = try TorchStream(file, keys.sequences[index], of: machine, from: position)
    return (records, machine, result)
  }

  private init(_ file: InputFile, _ keys: [PickleValue], of machine: PickleMachine, from start: Int) throws {
    self.file = file
    let storages = Dictionary(machine.storages.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    var places: [String: Range<Int>] = [:]
    var position = start
    for value in keys {
      guard case .string(let key) = value, let storage = storages[key], let width = storage.type.width else {
        throw machine.broken("storages that the tensors name", "another")
      }
      let count = try file.bytes(at: position, count: 8).little(8, at: 0)
      let (size, overflow) = storage.count.multipliedReportingOverflow(by: width)
      guard count == storage.count, !overflow, size <= file.size - position - 8 else {
        throw FileError.malformed(
          path: file.path, place: "byte \(position)", expected: "\(storage.count) elements of \(storage.type.name)",
          found: "\(count.map(String.init) ?? "more") in \(file.size - position - 8) bytes")
      }
      places[key] = position + 8..<position + 8 + size
      position += 8 + size
    }
    self.places = places
  }

  private func place(_ storage: PickleStorage) throws -> Range<Int> {
    guard let place = places[storage.key] else {
      throw FileError.malformed(
        path: file.path, place: "the storages", expected: "one called \(storage.key.prefix(120))", found: "none")
    }
    return place
  }

  func size(of storage: PickleStorage) throws -> Int { try place(storage).count }

  func bytes(of storage: PickleStorage) throws -> [UInt8] {
    let place = try place(storage)
    return try file.bytes(at: place.lowerBound, count: place.count)
  }
}

/// What describes tensors takes up far less.
private let maximumPickle = 32 << 20
