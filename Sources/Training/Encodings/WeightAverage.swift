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
  let encoder: TransformerEncoder
  /// The same as batches go through it.
  let passes: any SentenceEncoder
  let pooling: PoolingStack
  private let pool: ThreadPool
  private let pairs: [(live: Parameter, copy: Parameter)]
  private let remembered: [(live: StateTensor, copy: StateTensor)]
  /// 1 from the first use on: then the weights were taken over.
  private let hasBegun: UnsafeMutablePointer<Int64>

  /// Follows `model`; nothing is copied before the first use, so that a resumed run begins with the weights it
  /// restored.
  init(of model: SentenceModel, decay: Float, pooler: Pooler, services: HostServices) throws {
    self.decay = decay
    pool = services.pool
    guard let encoder = model.encoder as? TransformerEncoder else { throw TrainingError.averageOfPlugin }
    let pooling = model.objective.pooling
    self.encoder = TransformerEncoder(
      configuration: encoder.configuration, pool: services.pool, seed: model.seed, precision: encoder.precision,
      learns: false)
    passes = ChunkedEncoder.of(self.encoder, size: model.chunkSize)
    self.pooling = try PoolingStack(
      pooler: pooler, head: pooling.hasHead ? .mlp : .none, hiddenWidth: encoder.hiddenSize,
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

  /// To be called before its weights are used. What poolers remember is not averaged but the same.
  func begin() {
    if hasBegun.pointee == 0 {
      for pair in pairs { pair.copy.value.update(from: pair.live.value, count: pair.live.count) }
      hasBegun.pointee = 1
    }
    for pair in remembered { pair.copy.bytes.copyMemory(from: UnsafeRawBufferPointer(pair.live.bytes)) }
  }

  /// To be called after each step of the optimiser.
  func follow() {
    begin()
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
