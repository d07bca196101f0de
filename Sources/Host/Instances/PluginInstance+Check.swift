// What the conformance suite needs of an instance beyond what runs need.

import PluginAPI

extension PluginInstance {
  /// Fills scratch and tape, whose contents are undefined before a forward call, with `byte`.
  package func poisonMemory(_ byte: UInt8) {
    for buffer in [scratch, tape] {
      buffer.pointer.initializeMemory(as: UInt8.self, repeating: byte, count: buffer.byteCount)
    }
  }

  /// The gradient a weight has collected since the batch began.
  package func weightGradient(_ index: Int) -> UnsafeMutablePointer<Float> { weightTensors[index].gradient.floats }
}
