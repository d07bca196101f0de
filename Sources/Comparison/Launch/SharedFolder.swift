// Whether the nodes of a cluster can see a folder, as far as this machine knows: by the file system it lies on. Asked
// before an array is submitted.

import Files
import Glibc

/// What is known of a folder and the nodes.
package enum SharedFolder: Equatable {
  /// On a file system that others see, or there are no others.
  case isShared
  /// On a disk of this machine, which may be exported under the same path.
  case isLocalDisk(String)
  /// In the memory of this machine or in its container.
  case isPrivate(String)

  private static let memory: Set = ["tmpfs", "ramfs", "devtmpfs", "overlay", "aufs"]
  private static let disks: Set = ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs"]

  /// What is known of a file system.
  /// - Parameters:
  ///   - kind: the type of the file system, as the system calls it.
  ///   - nodes: of the cluster, by host name.
  ///   - host: this machine.
  package init(kind: String?, nodes: [String], host: String) {
    func short(_ name: String) -> Substring { name.prefix { $0 != "." } }
    let isAlone = nodes.allSatisfy { short($0) == short(host) || $0 == "localhost" }
    guard !isAlone, let kind else {
      self = .isShared
      return
    }
    self = Self.memory.contains(kind) ? .isPrivate(kind) : Self.disks.contains(kind) ? .isLocalDisk(kind) : .isShared
  }

  /// The type of the file system that a folder lies on.
  /// - Parameters:
  ///   - path: absolute, behind links.
  ///   - mounts: as in /proc/self/mountinfo.
  package static func kind(of path: String, mounts: String) -> String? {
    var found: (length: Int, kind: String)?
    for line in mounts.split(separator: "\n") {
      // ID PARENT DEVICE ROOT PLACE OPTIONS... - KIND SOURCE OPTIONS
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, dash + 1 < fields.count else { continue }
      let place = fields[4].replacing("\\040", with: " ")
      let isAbove = place == "/" || path == place || path.hasPrefix(place + "/")
      // The last of equal places lies on top.
      if isAbove, place.utf8.count >= found?.length ?? 0 { found = (place.utf8.count, String(fields[dash + 1])) }
    }
    return found?.kind
  }

  /// What is known of a folder of this machine.
  init(folder: String, nodes: [String]) {
    let mounts = (try? WholeFile.bytes(of: "/proc/self/mountinfo", expected: "the mounted file systems")) ?? []
    let path = Path.resolved(folder) ?? folder
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    self.init(kind: Self.kind(of: path, mounts: String(decoding: mounts, as: UTF8.self)), nodes: nodes, host: host)
  }
}
