// Gradients of several devices added up in the memory of their hosts: from the device into one buffer, over the ranks,
// and back. Used by DeviceMember where devices have no way of their own.

import Kernels

/// The gradients of one rank's device on their way.
final class DeviceGradients {
  private let device: any DeviceWeights
  private let group: RankGroup
  private let pool: ThreadPool
  /// Of each tensor above 0 where some rank has a gradient; then all gradients.
  private let values: FloatBuffer
  /// Where each tensor begins in it.
  private let starts: [Int]
  private let received = ScratchBuffer()

  init(_ device: any DeviceWeights, group: RankGroup, pool: ThreadPool) {
    (self.device, self.group, self.pool) = (device, group, pool)
    let mirrors = device.mirrors
    starts = mirrors.reduce(into: [mirrors.count]) { $0.append($0[$0.count - 1] + $1.count) }
    values = FloatBuffer(count: starts[mirrors.count])
  }

  /// Puts the sum of all ranks' gradients in the place of each one's. A tensor that has none on any rank, as one that
  /// no text reaches, is left without.
  func sum() throws {
    try group.agree(failure { try read() })
    group.sum(values.pointer, group.borders(lines: values.count), received: received, pool: pool)
    try group.agree(failure { try write() })
  }

  private func read() throws {
    for (index, has) in try device.haveGradients().enumerated() {
      values.pointer[index] = has ? 1 : 0
      let place = values.pointer + starts[index]
      if has {
        try device.read(.gradient, of: index, into: place)
      } else {
        place.update(repeating: 0, count: starts[index + 1] - starts[index])
      }
    }
  }

  private func write() throws {
    for index in 0..<starts.count - 1 where values.pointer[index] > 0 {
      try device.write(.gradient, of: index, from: values.pointer + starts[index])
    }
  }
}
