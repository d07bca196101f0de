// What a host is to the kit: tensors, a call, and room for a plan, made by hand. Lets tests call the functions of a
// descriptor that the kit wrote, without any host.

import PluginAPI
import PluginKit

/// A float32 tensor in memory of its own.
final class HandmadeTensor {
  let tensor: UnsafeMutablePointer<DLTensor>
  let numbers: UnsafeMutableBufferPointer<Float>
  private let shape, strides: UnsafeMutablePointer<Int64>

  /// - Parameter rowStride: Numbers between the starts of two rows; the width where nil.
  init(_ sizes: [Int], rowStride: Int? = nil, values: [Float] = []) {
    let width = sizes.last ?? 1
    let stride = rowStride ?? width
    let rows = sizes.dropLast().reduce(1, *)
    numbers = .allocate(capacity: max(rows * stride, 1))
    numbers.initialize(repeating: -1)
    for (index, value) in values.enumerated() { numbers[index / width * stride + index % width] = value }
    (shape, strides) = (.allocate(capacity: sizes.count), .allocate(capacity: sizes.count))
    var step = Int64(1)
    for axis in sizes.indices.reversed() {
      shape[axis] = Int64(sizes[axis])
      strides[axis] = step
      step *= Int64(axis == sizes.count - 1 ? stride : sizes[axis])
    }
    tensor = .allocate(capacity: 1)
    tensor.initialize(to: DLTensor())
    tensor.pointee.data = UnsafeMutableRawPointer(numbers.baseAddress)
    tensor.pointee.ndim = Int32(sizes.count)
    tensor.pointee.shape = shape
    tensor.pointee.strides = strides
  }

  deinit {
    numbers.deallocate()
    shape.deallocate()
    strides.deallocate()
    tensor.deallocate()
  }

  var matrix: Matrix { Matrix(tensor) }
}

/// A call of a component's functions, and what they left behind.
final class HandmadeCall {
  private let call: UnsafeMutablePointer<cse_call>
  private let host: UnsafeMutablePointer<cse_host>
  private let message: UnsafeMutablePointer<CChar>
  private let values: UnsafeMutablePointer<cse_value>
  private let metricSlots: UnsafeMutablePointer<Double>

  init(_ component: UnsafePointer<cse_component>?, values given: [cse_value] = [], metrics: Int = 0) {
    host = .allocate(capacity: 1)
    host.initialize(to: cse_host())
    message = .allocate(capacity: Int(CSE_MESSAGE_BYTES))
    message.initialize(repeating: 0, count: Int(CSE_MESSAGE_BYTES))
    values = .allocate(capacity: max(given.count, 1))
    for (index, value) in given.enumerated() { (values + index).initialize(to: value) }
    metricSlots = .allocate(capacity: max(metrics, 1))
    metricSlots.initialize(repeating: .nan, count: max(metrics, 1))
    call = .allocate(capacity: 1)
    call.initialize(to: cse_call())
    call.pointee.host = UnsafePointer(host)
    call.pointee.component = component
    call.pointee.values = UnsafePointer(values)
    call.pointee.metrics = metricSlots
    call.pointee.message = message
  }

  deinit {
    host.deallocate()
    message.deallocate()
    values.deallocate()
    metricSlots.deallocate()
    call.deallocate()
  }

  /// Calls a function of the component; what it is handed lives until it has returned.
  func run(_ function: (UnsafeMutablePointer<cse_call>) -> cse_status) -> cse_status {
    withExtendedLifetime(self) { function(call) }
  }

  /// What the component said when it failed.
  var text: String { String(cString: message) }
  func metric(_ index: Int) -> Double { metricSlots[index] }
}

/// An empty plan with the room that the ABI promises.
final class HandmadePlan {
  let plan: UnsafeMutablePointer<cse_plan>
  let limits: UnsafeMutablePointer<cse_limits>
  private let layers: UnsafeMutablePointer<Int32>
  private let blocks: UnsafeMutablePointer<cse_block>
  private let states, weights: UnsafeMutablePointer<cse_tensor_decl>

  init() {
    (layers, blocks) = (.allocate(capacity: 64), .allocate(capacity: 8))
    (states, weights) = (.allocate(capacity: 16), .allocate(capacity: 16))
    layers.initialize(repeating: 0, count: 64)
    blocks.initialize(repeating: cse_block(), count: 8)
    states.initialize(repeating: cse_tensor_decl(), count: 16)
    weights.initialize(repeating: cse_tensor_decl(), count: 16)
    plan = .allocate(capacity: 1)
    plan.initialize(to: cse_plan())
    plan.pointee.layers = layers
    plan.pointee.blocks = blocks
    plan.pointee.states = states
    plan.pointee.weights = weights
    limits = .allocate(capacity: 1)
    limits.initialize(to: cse_limits())
    (limits.pointee.max_rows, limits.pointee.dim, limits.pointee.n_views) = (8, 4, 2)
  }

  deinit {
    layers.deallocate()
    blocks.deallocate()
    states.deallocate()
    weights.deallocate()
    plan.deallocate()
    limits.deallocate()
  }
}
