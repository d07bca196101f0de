// An encoder plugin among those of other processes: the calls of cse_encoder_group_1. Used by Ranks' DeviceMember.

package import Kernels
import PluginAPI

extension EncoderPlugin: DevicePeers {
  /// Itself, where its library offers a group.
  package var peers: (any DevicePeers)? { groupFunctions == nil ? nil : self }

  private func call(_ function: String, _ body: (cse_encoder_group_1) -> cse_status?) throws {
    guard let groupFunctions else {
      throw EncoderFailure(
        component: name, function: function, message: "expected a table \(CSE_ENCODER_GROUP_1), found none")
    }
    try check(function, body(groupFunctions))
  }

  /// Looks whether it could join a group.
  package func check() throws { try call("check") { $0.check(handle, message) } }

  /// What names a new group, for all of its members.
  package func makeID() throws -> [UInt8] {
    var id = [UInt8](repeating: 0, count: Int(CSE_GROUP_ID_BYTES))
    try id.withUnsafeMutableBufferPointer { id in
      try call("make_id") { $0.make_id(handle, id.baseAddress, message) }
    }
    return id
  }

  /// Returns when all have joined.
  package func join(_ id: [UInt8], rank: Int, size: Int, seconds: Double) throws {
    precondition(id.count == Int(CSE_GROUP_ID_BYTES), "\(id.count) bytes name no group")
    try call("join") { $0.join(handle, id, Int32(rank), Int32(size), seconds, message) }
  }

  /// Waits for what was begun on the device.
  package func wait() throws { try call("wait") { $0.wait(handle, message) } }

  /// Puts the sum of all members' gradients in the place of each one's.
  package func sumGradients() throws { try call("sum_gradients") { $0.sum_gradients(handle, message) } }

  /// Leaves the group.
  package func leave() { groupFunctions?.leave(handle) }

  /// What connects them.
  package var connection: String {
    guard let text = groupFunctions?.connection(handle) else { return "" }
    return String(cString: text)
  }
}
