// The moving average of encoder, poolers and head: a second model that follows the one that is trained. Made and read
// by FurtherEncodings; saved with checkpoints.
// Source: the momentum encoder of He et al., "Momentum Contrast", CVPR 2020, equation 2.

import Encoder
import Host
import Kernels
import Objective

/// Weights that follow the trained ones: after each step `average = decay * average + (1 - decay) * weights`.
final class WeightAverage {
  let decay: Float
  let encoder: any SentenceEncoder
  /// The same as batches go through it.
  let passes: any SentenceEncoder
  let pooling: PoolingStack
  private let pool: ThreadPool
  private let pairs: [(live: Parameter, copy: Parameter)]
  private let remembered: [(live: StateTensor, copy: StateTensor)]
  /// 1 from the first use on: then the weights were taken over.
  private let hasBegun: UnsafeMutablePointer<Int64>
  /// Where the trained weights are mirrors of tensors on a device; nil where they are here.
  private let live: (any DeviceWeights)?
  /// Whether the average's encoder on a device has the average that is here.
  private var isThere = false

  /// Follows `model`; nothing is copied before the first use, so that a resumed run begins with the weights it
  /// restored.
  init(of model: SentenceModel, decay: Float, _ settings: FurtherEncodings.AverageSettings) throws {
    let services = settings.services
    self.decay = decay
    pool = services.pool
    let encoder = model.encoder
    live = encoder.device
    let pooling = model.objective.pooling
    self.encoder = try Self.another(encoder, seed: model.seed, settings)
    passes = ChunkedEncoder.of(self.encoder, size: model.chunkSize)
    self.pooling = try PoolingStack(
      pooler: settings.pooler, head: pooling.hasHead ? .mlp : .none, hiddenWidth: encoder.hiddenSize,
      layerCount: encoder.layerCount, services: services, seed: model.seed, vocabularySize: encoder.vocabularySize,
      // What poolers remember is taken over before every use.
      documents: .folder)
    pairs = Array(
      zip(encoder.parameters + pooling.parameters, self.encoder.parameters + self.pooling.parameters).map {
        (live: $0, copy: $1)
      })
    remembered = Array(zip(pooling.states, self.pooling.states).map { (live: $0, copy: $1) })
    hasBegun = .allocate(capacity: 1)
    hasBegun.initialize(to: 0)
  }

  deinit { hasBegun.deallocate() }

  /// An encoder like `encoder` for other weights, which never learn.
  private static func another(
    _ encoder: any SentenceEncoder, seed: UInt64, _ settings: FurtherEncodings.AverageSettings
  ) throws -> any SentenceEncoder {
    if let own = encoder as? TransformerEncoder {
      return TransformerEncoder(
        configuration: own.configuration, pool: settings.services.pool, seed: seed, precision: own.precision,
        learns: false)
    }
    guard let open = settings.openEncoder else { preconditionFailure("an encoder that nobody can open again") }
    return try open()
  }

  /// To be called before its weights are used. What poolers remember is not averaged but the same.
  /// - Throws: `EncoderFailure` where weights have to come from a device or go to one.
  func begin() throws {
    try takeOver()
    if let device = encoder.device, !isThere {
      for (index, mirror) in device.mirrors.enumerated() { try device.write(.value, of: index, from: mirror.value) }
      isThere = true
    }
    for pair in remembered { pair.copy.bytes.copyMemory(from: UnsafeRawBufferPointer(pair.live.bytes)) }
  }

  /// Begins with the trained weights where no average was restored.
  private func takeOver() throws {
    guard hasBegun.pointee == 0 else { return }
    try live?.readValues()
    for pair in pairs { pair.copy.value.update(from: pair.live.value, count: pair.live.count) }
    hasBegun.pointee = 1
  }

  /// To be called after each step of the optimiser.
  /// - Throws: `EncoderFailure`; then the average is as it was.
  func follow() throws {
    try takeOver()
    try live?.readValues()
    isThere = false
    let share = 1 - decay
    for pair in pairs {
      let (live, copy) = (pair.live.value, pair.copy.value)
      pool.parallelFor(pair.live.count, grain: 1 << 16) { range, _ in
        for index in range { copy[index] += share * (live[index] - copy[index]) }
      }
    }
  }

  /// For checkpoints.
  var tensors: [CheckpointTensor] {
    let group = "the moving average (decay \(decay))"
    let flag = CheckpointTensor(
      name: "average/\(decay)/has begun", type: "I64", shape: [1],
      memory: UnsafeMutableRawBufferPointer(start: hasBegun, count: MemoryLayout<Int64>.size), optionalGroup: group)
    return [flag]
      + pairs.map { pair in
        CheckpointTensor(
          name: "average/\(decay)/\(pair.copy.name)", type: "F32", shape: pair.copy.shape,
          memory: UnsafeMutableRawBufferPointer(
            start: pair.copy.value, count: pair.copy.count * MemoryLayout<Float>.stride), optionalGroup: group)
      }
  }
}
