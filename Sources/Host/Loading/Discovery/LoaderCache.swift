// /etc/ld.so.cache: where the system's libraries lie, by name. Used by DependencySearch.
// Source: glibc, sysdeps/generic/dl-cache.h, struct cache_file_new.

/// The library names of the loader's cache and their paths.
struct LoaderCache: Sendable {
  private var table: [String: [String]] = [:]

  /// The cache of this machine; empty where it is missing or of an unknown form, which costs only a slower search.
  static let shared: LoaderCache = {
    guard let file = try? OpenedFile("/etc/ld.so.cache"), let bytes = try? file.contents() else {
      return LoaderCache(bytes: [])
    }
    return LoaderCache(bytes: bytes)
  }()

  init(bytes: [UInt8]) {
    let reader = ByteReader(bytes: bytes)
    guard bytes.starts(with: Array("glibc-ld.so.cache1.1".utf8)), let count = try? reader.u32(20, "cache") else {
      return
    }
    for index in 0..<UInt64(count) {
      let entry = 48 + index * 24
      guard let key = try? reader.u32(entry + 4, "cache"), let value = try? reader.u32(entry + 8, "cache"),
        let name = reader.string(UInt64(key), end: reader.count),
        let path = reader.string(UInt64(value), end: reader.count)
      else { return }
      table[String(decoding: name, as: UTF8.self), default: []].append(String(decoding: path, as: UTF8.self))
    }
  }

  func paths(of name: String) -> [String] { table[name] ?? [] }
}
