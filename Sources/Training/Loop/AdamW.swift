// AdamW over all learnable tensors of a run, with a clip on their common gradient norm. Used by the training loop once
// a step; its moments go into checkpoints. Tensors on a device are moved there, and mirrored here for checkpoints.

import Files
package import Kernels

/// AdamW (0.9, 0.999, 1e-8) with decoupled weight decay.
package final class AdamW {
  /// What is moved, in a fixed order; mirrors of what is on the device among it.
  package let parameters: [Parameter]
  /// Moves the tensors that are on a device; nil where none is.
  package let device: (any DeviceWeights)?
  /// Steps done; the next one is number `steps + 1` of the bias correction.
  package var steps = 0
  /// How many steps were done when each parameter joined: its own are counted from there.
  private(set) var joined: [Int]
  private let pool: ThreadPool
  private let weightDecay: Float
  private let first: [FloatBuffer]
  private let second: [FloatBuffer]
  /// Places in `parameters` of what is moved here.
  private let own: [Int]
  /// Places of the mirrors, in the device's order.
  private let mirrored: [Int]

  /// Zeroed moments for every parameter, twice the memory of the parameters. `device` mirrors some of them.
  package init(parameters: [Parameter], weightDecay: Float, pool: ThreadPool, device: (any DeviceWeights)? = nil) {
    self.parameters = parameters
    self.device = device
    (own, mirrored) = Self.places(parameters, device)
    self.weightDecay = weightDecay
    self.pool = pool
    joined = parameters.map { _ in 0 }
    first = parameters.map { FloatBuffer(count: $0.count, sparse: $0.touched == nil ? 0 : $0.count) }
    second = parameters.map { FloatBuffer(count: $0.count, sparse: $0.touched == nil ? 0 : $0.count) }
  }

  /// Goes on where `old` stands with parameters some of which are others. A parameter of `old` keeps its moments; a new
  /// one of the same name and shape starts with a copy of them, any other with zeros, as in a run that begins here.
  /// - Parameter startingOver: the names of those that have nothing but their names from earlier ones.
  package init(parameters: [Parameter], continuing old: AdamW, startingOver: Set<String> = []) {
    self.parameters = parameters
    weightDecay = old.weightDecay
    pool = old.pool
    device = old.device
    (own, mirrored) = Self.places(parameters, old.device)
    steps = old.steps
    let places = parameters.map { new in
      old.parameters.firstIndex { $0 === new }
        ?? old.parameters.firstIndex {
          $0.name == new.name && $0.shape == new.shape && !startingOver.contains($0.name)
        }
    }
    joined = places.map { place in place.map { old.joined[$0] } ?? old.steps }
    func moments(_ buffers: [FloatBuffer]) -> [FloatBuffer] {
      zip(parameters, places).map { parameter, place in
        if let place, old.parameters[place] === parameter { return buffers[place] }
        let buffer = FloatBuffer(count: parameter.count)
        if let place { buffer.pointer.update(from: buffers[place].pointer, count: parameter.count) }
        return buffer
      }
    }
    first = moments(old.first)
    second = moments(old.second)
  }

  private static func places(
    _ parameters: [Parameter], _ device: (any DeviceWeights)?
  ) -> (own: [Int], mirrored: [Int]) {
    let mirrored = (device?.mirrors ?? []).map { mirror in
      guard let place = parameters.firstIndex(where: { $0 === mirror }) else {
        preconditionFailure("\(mirror.name) is on the device and not among the parameters")
      }
      return place
    }
    let there = Set(mirrored)
    return (parameters.indices.filter { !there.contains($0) }, mirrored)
  }

  /// The Euclidean norm of all gradients together.
  package func gradientNorm() throws -> Double {
    let there = try device?.squaredGradientNorm() ?? 0
    return own.reduce(there) { $0 + squaredGradientNorm(pool, parameters[$1]) }.squareRoot()
  }

  /// The first parameter whose gradient holds NaN or an infinity.
  package func parameterWithBadGradient() throws -> String? {
    for (index, parameter) in parameters.enumerated() {
      if let there = mirrored.firstIndex(of: index) { try device?.read(.gradient, of: there, into: parameter.gradient) }
      if !squaredNorm(pool, parameter.gradient, parameter.count).isFinite { return parameter.name }
    }
    return nil
  }

  /// Moves every parameter by its gradient times `gradientScale`, then sets the gradients to zero.
  package func step(learningRate: Double, gradientScale: Float = 1) throws {
    try pool.profile.measure("optimizer/AdamW") {
      // What can fail comes first: the state of the last whole step is not yet lost then.
      try device?.step(
        DeviceStep(
          learningRate: learningRate, weightDecay: Double(weightDecay), gradientScale: Double(gradientScale),
          number: steps + 1))
      steps += 1
      for index in own {
        let parameter = parameters[index]
        adamwStep(
          pool, parameter, m: first[index].pointer, v: second[index].pointer, learningRate: Float(learningRate),
          weightDecay: weightDecay, step: steps - joined[index], gradientScale: gradientScale)
      }
    }
    pool.profile.measure("optimizer/zero gradients") { clearOwnGradients() }
  }

  /// Sets every gradient to 0.
  package func clearGradients() throws {
    clearOwnGradients()
    try device?.clearGradients()
  }

  private func clearOwnGradients() {
    for index in own { parameters[index].clearGradient(pool) }
  }

  /// Brings values and moments of the mirrors up to date, for a checkpoint.
  package func readDevice() throws {
    guard let device else { return }
    for (there, place) in mirrored.enumerated() {
      try device.read(.value, of: there, into: parameters[place].value)
      try device.read(.firstMoment, of: there, into: first[place].pointer)
      try device.read(.secondMoment, of: there, into: second[place].pointer)
    }
  }

  /// Gives the device the values and moments of the mirrors, as a checkpoint brought them back.
  package func writeDevice() throws {
    guard let device else { return }
    for (there, place) in mirrored.enumerated() {
      try device.write(.value, of: there, from: parameters[place].value)
      try device.write(.firstMoment, of: there, from: first[place].pointer)
      try device.write(.secondMoment, of: there, from: second[place].pointer)
    }
  }

  /// Marks the rows whose moments a checkpoint brought back.
  package func markTouchedRows() {
    for (index, parameter) in parameters.enumerated() {
      guard let touched = parameter.touched else { continue }
      for row in 0..<touched.rows {
        let at = row * touched.width
        let isZero = (0..<touched.width).allSatisfy {
          first[index].pointer[at + $0] == 0 && second[index].pointer[at + $0] == 0
        }
        if !isZero { touched.mark(row) }
      }
    }
  }

  /// The factor that brings a gradient of norm `norm` down to `limit`; 1 where it is shorter or `limit` is 0.
  /// Source: `torch.nn.utils.clip_grad_norm_`, whose 1e-6 keeps the quotient finite.
  package static func clipFactor(norm: Double, limit: Double) -> Float {
    limit > 0 ? Float(min(1, limit / (norm + 1e-6))) : 1
  }

  /// The parameters that joined on the way, for checkpoints.
  var joinedLater: [(name: String, steps: Int)] {
    zip(parameters, joined).filter { $0.1 > 0 }.map { ($0.name, $1) }
  }

  /// Puts back what `joinedLater` said, as a checkpoint has it.
  func restore(joined members: [JSONObject.Member]) {
    joined = parameters.map { parameter in members.first { $0.key == parameter.name }?.value.integer ?? 0 }
  }

  /// Values and moments, for checkpoints.
  package var tensors: [CheckpointTensor] {
    parameters.enumerated().flatMap { index, parameter in
      [("value", parameter.value), ("m", first[index].pointer), ("v", second[index].pointer)].map { kind, pointer in
        CheckpointTensor(
          name: "\(kind)/\(parameter.name)", type: "F32", shape: parameter.shape,
          memory: UnsafeMutableRawBufferPointer(start: pointer, count: parameter.count * 4))
      }
    }
  }
}
