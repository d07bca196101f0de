// Containers: NumPy files, gzip, zip.

import Files
import Kernels

extension FuzzTarget {
  static let containers = [
    FuzzTarget("npy") { bytes, scratch in _ = try NPYFile(contentsOf: scratch.file("a.npy", bytes)) },
    FuzzTarget("gzip") { bytes, scratch in
      let file = try scratch.file("a.gz", bytes)
      _ = try GzipFile.unpacked(file, expected: "text", into: scratch.path)
    },
    FuzzTarget("zip") { bytes, scratch in
      let archive = try ZipArchive(InputFile(path: scratch.file("a.zip", bytes), expected: "an archive"))
      for entry in archive.entries.values { _ = try archive.contents(of: entry) }
    },
  ]

  /// A zip archive of stored entries, whose checksums are right.
  static func archive(_ entries: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var (files, directory): ([UInt8], [UInt8]) = ([], [])
    for entry in entries {
      let name = Array(entry.name.utf8)
      let sizes = little(checksum(entry.bytes), 4) + little(entry.bytes.count, 4) + little(entry.bytes.count, 4)
      let common = little(20, 2) + little(0, 8) + sizes + little(name.count, 2) + little(0, 2)
      directory += [0x50, 0x4B, 1, 2] + little(20, 2) + common + little(0, 10) + little(files.count, 4) + name
      files += [0x50, 0x4B, 3, 4] + common + name + entry.bytes
    }
    let counts = little(entries.count, 2) + little(entries.count, 2)
    return files + directory + [0x50, 0x4B, 5, 6] + little(0, 4) + counts + little(directory.count, 4)
      + little(files.count, 4) + little(0, 2)
  }
}
