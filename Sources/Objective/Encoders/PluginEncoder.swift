// An encoder that computes elsewhere as a SentenceEncoder: what it computes is copied here, what it learns stays where
// it is and is mirrored by parameters. Made from an EncoderChoice; used by training like the encoder of this program.

package import Encoder
package import Host
package import Kernels
import PluginAPI

/// A plugin's encoder, or one in a process, with mirrors of its tensors.
package final class PluginEncoder: SentenceEncoder, DeviceWeights {
  /// Its sizes.
  package let shape: EncoderShape
  /// Who computes.
  package let calls: any EncoderCalls
  /// The tensors as they were read last, in the order of this program's own encoder; of transformers, in its order.
  /// Those of a head for masked words come last.
  package let mirrors: [Parameter]
  /// How many are the head's; nil: it was opened without.
  private let headCount: Int?
  /// Whether the checkpoint had the head.
  package let hasPretrainedHead: Bool
  /// For each mirror the number of its tensor there.
  private let numbers: [Int]
  let pool: ThreadPool
  private var outputs: [ScratchBuffer] = []
  private var handed: [Matrix] = []

  /// The width of a hidden state.
  package var hiddenSize: Int { shape.hiddenSize }
  /// Hidden states there are: the embeddings and one for each transformer layer.
  package var layerCount: Int { shape.layerCount + 1 }
  /// The longest sequence there are positions for.
  package var maximumTokens: Int { shape.maximumPositions }
  /// Rows of the word matrix.
  package var vocabularySize: Int { shape.vocabularySize }
  /// The mirrors of what makes hidden states.
  package var parameters: [Parameter] { mirrors.dropLast(headCount ?? 0) }
  /// The mirrors of the head for masked words.
  package var headParameters: [Parameter] { mirrors.suffix(headCount ?? 0) }
  /// Itself.
  package var device: (any DeviceWeights)? { self }
  /// Of means a fraction of the numbers has to come here, and their gradients to go there.
  package var givesMeans: Bool { true }
  /// Itself, where it was opened with a head for that.
  package var maskedWords: (any MaskedWords)? { headCount == nil ? nil : self }

  /// Opens the plugin's encoder and gives it the weights of a checkpoint.
  /// - Throws: `EncoderFailure`; the table's error where it lacks a tensor or has it in another shape or type.
  init(
    _ choice: EncoderChoice, _ component: PluginComponent, configuration: EncoderConfiguration,
    weights: any WeightSource, services: HostServices, seed: UInt64, masked: Bool
  ) throws {
    var source = Self.source(configuration, choice, seed: seed, threads: services.pool.threads)
    if masked { source.askForHead(of: configuration) }
    guard try EncoderPlugin.computes(source.family, component) else {
      let build = component.name == "torch" ? " (mixcse encoder build torch)" : ""
      throw EncoderFailure(
        component: component.id, function: "open",
        message: "expected layers that this plugin computes, found those of \(configuration.family.rawValue). A plugin "
          + "from before these were known has to be built again\(build); this program's own encoder computes them: "
          + "leave --encoder out; or --encoder transformers")
    }
    shape = configuration.shape
    pool = services.pool
    let local = configuration.localAttention?.layers ?? []
    let plugin = try EncoderPlugin(
      component, host: services.table, source: source, device: choice.device,
      localLayers: (0..<configuration.layerCount).map { local.contains($0) ? 1 : 0 })
    calls = plugin
    let head = try masked ? MaskedHeadParameters(configuration, weights: weights, seed: seed) : nil
    (headCount, hasPretrainedHead) = (head?.parameters.count, head?.isPretrained ?? false)
    mirrors = try configuration.parameters(from: weights, pool: services.pool) + (head?.parameters ?? [])
    let names = configuration.plainTensorNames + (head?.plainNames ?? [])
    numbers = try zip(mirrors, names).map { mirror, name in
      let wanted = EncoderTensor(name: name, shape: mirror.shape, decays: mirror.decays)
      guard let number = plugin.facts.tensors.firstIndex(of: wanted) else {
        throw EncoderFailure(
          component: component.id, function: "open",
          message: "expected a tensor \(mirror.name) of shape \(mirror.shape), found none; the plugin does not "
            + "fit this version of the program: build it again")
      }
      return number
    }
    guard numbers.count == plugin.facts.tensors.count else {
      throw EncoderFailure(
        component: component.id, function: "open",
        message: "expected \(numbers.count) tensors, found \(plugin.facts.tensors.count)")
    }
    for index in mirrors.indices { try write(.value, of: index, from: mirrors[index].value) }
  }

  /// An encoder that has its weights already. Mirrors are empty until they are read.
  /// - Parameter seed: decides what a head begins with that the checkpoint lacks.
  /// - Throws: `EncoderFailure`
  init(_ model: TransformersModel, pool: ThreadPool, seed: UInt64) throws {
    shape = model.shape
    calls = model.encoder
    self.pool = pool
    (headCount, hasPretrainedHead) = (model.encoder.model.headTensors, model.encoder.model.hasPretrainedHead)
    let tensors = model.encoder.facts.tensors
    let counts = tensors.map { $0.shape.reduce(1, *) }
    let total = counts.reduce(0, +)
    // What is not a number there is looked for in a gradient's place here; before that these take up no memory.
    let (values, gradients) = (FloatBuffer(count: total), FloatBuffer(count: total))
    var offset = 0
    mirrors = zip(tensors, counts).map { tensor, count in
      defer { offset += count }
      return Parameter(
        name: tensor.name, shape: tensor.shape, values: values, gradients: gradients, offset: offset,
        decays: tensor.decays)
    }
    numbers = Array(tensors.indices)
    guard let headCount, !hasPretrainedHead else { return }
    for index in mirrors.indices.suffix(headCount) {
      MaskedHeadParameters.start(mirrors[index], seed: seed)
      try write(.value, of: index, from: mirrors[index].value)
    }
  }

  private static func source(
    _ c: EncoderConfiguration, _ choice: EncoderChoice, seed: UInt64, threads: Int
  ) -> cse_encoder_source {
    var source = cse_encoder_source()
    switch c.likeness {
    case .bert: source.family = UInt32(CSE_BERT)
    case .roberta: source.family = UInt32(CSE_ROBERTA)
    case .similar: source.family = UInt32(CSE_BERT_LIKE)
    case .modern: source.family = UInt32(CSE_MODERNBERT)
    }
    source.activation = c.activation.number
    source.precision = choice.precision.number
    (source.vocabulary, source.hidden) = (Int64(c.vocabularySize), Int64(c.hiddenSize))
    (source.layers, source.heads) = (Int64(c.layerCount), Int64(c.headCount))
    source.intermediate = Int64(c.intermediateSize)
    (source.position_rows, source.first_position) = (Int64(c.positionRows), Int64(c.positionOffset))
    source.type_rows = Int64(c.typeVocabularySize)
    source.norm_epsilon = Double(c.layerNormEpsilon)
    source.padding_word = Int64(c.padTokenID)
    (source.seed, source.threads) = (seed, Int32(threads))
    if choice.seat != .alone {
      (source.local_rank, source.local_size) = (Int32(choice.seat.rank), Int32(choice.seat.size))
    }
    (source.embedding, source.has_projection) = (Int64(c.embeddingSize), c.projectsEmbeddings ? 1 : 0)
    (source.task_rows, source.distance_buckets) = (Int64(c.taskTypes), Int64(c.distanceBuckets))
    source.layer_sets = Int64(c.layerGroups ?? c.layerCount)
    if !c.hasDropout.attentionOutput { source.no_dropout |= UInt32(CSE_ATTENTION_OUTPUT) }
    if !c.hasDropout.feedForward { source.no_dropout |= UInt32(CSE_FEED_FORWARD) }
    if let rotation = c.rotation {
      (source.global_base, source.local_base) = (Double(rotation.globalBase), Double(rotation.localBase))
    }
    source.reach = Int64(c.localAttention?.reach ?? 0)
    if !c.biases.attention { source.no_bias |= UInt32(CSE_ATTENTION_MAPS) }
    if !c.biases.feedForward { source.no_bias |= UInt32(CSE_FEED_FORWARD_MAPS) }
    if !c.biases.norms { source.no_bias |= UInt32(CSE_NORMS) }
    return source
  }

  // MARK: Passes

  /// The requested hidden states, `[tokens, hiddenSize]` or `[sequences, hiddenSize]` each, valid until the next pass.
  /// - Throws: `EncoderError` for a batch that no encoder can compute; `EncoderFailure`, also for sequences with a
  ///   dropout of their own.
  package func forward(_ batch: PackedBatch, request: LayerRequest, mode: EncoderMode) throws -> [Matrix] {
    try batch.check(maximumTokens: maximumTokens, vocabularySize: vocabularySize)
    var pass = EncoderPass(
      tokens: batch.tokens, offsets: batch.offsets, layers: request.layers,
      rows: request.firstTokenOnly ? .firstTokens : request.meansAreEnough ? .means : .all, hiddenDropout: 0,
      attentionDropout: 0, batch: 0, isKept: false)
    pass.firstToken = batch.firstToken
    let rows = pass.rowCount
    while outputs.count < request.layers.count { outputs.append(ScratchBuffer(.shown)) }
    let targets = request.layers.indices.map { outputs[$0].reserve(rows * hiddenSize) }
    switch mode {
    case .inference: break
    case .training(let step, let hidden, let attention), .reading(let step, let hidden, let attention):
      guard batch.dropout == nil else { throw oneDropout }
      (pass.batch, pass.hiddenDropout, pass.attentionDropout) = (step, hidden, attention)
    }
    if case .training = mode { pass.isKept = true }
    try pool.profile.measure("encoder forward/plugin") { try calls.encode(pass, into: targets) }
    handed = targets.map { Matrix($0, rows: rows, columns: hiddenSize) }
    return handed
  }

  /// Training looks at the first batch (`TrainingPlan.checkEncoder`); this is for augmenters that change their minds.
  private var oneDropout: EncoderFailure {
    EncoderFailure(
      component: calls.name, function: "encode",
      message: "expected one dropout for all texts, found an augmenter's for single ones; leave that augmenter out, or "
        + "the encoder plugin")
  }

  /// Adds on the device what the gradients of the last training pass's hidden states cause.
  package func backward(_ gradients: [Matrix]) throws {
    try pool.profile.measure("encoder backward/plugin") { try calls.backward(gradients.map(\.pointer)) }
  }

  // MARK: Tensors

  /// The sum of squares of all gradients.
  package func squaredGradientNorm() throws -> Double { try calls.squaredGradientNorm() }

  /// AdamW as `adamwStep` does it.
  package func step(_ step: DeviceStep) throws {
    var settings = cse_adamw()
    (settings.learning_rate, settings.weight_decay) = (step.learningRate, step.weightDecay)
    (settings.beta1, settings.beta2, settings.epsilon) = (0.9, 0.999, 1e-8)
    (settings.gradient_scale, settings.step) = (step.gradientScale, Int64(step.number))
    try calls.step(settings)
  }

  /// Sets all gradients to zero.
  package func clearGradients() throws { try calls.clearGradients() }

  /// Of each mirror whether its tensor has a gradient.
  package func haveGradients() throws -> [Bool] {
    let found = try calls.haveGradients()
    return numbers.map { found[$0] }
  }

  /// Where the tensors are.
  package var place: DevicePlace {
    DevicePlace(name: calls.facts.deviceName, library: calls.facts.libraryName, id: calls.facts.deviceID)
  }
  /// The encoder's way to those of other processes.
  package var peers: (any DevicePeers)? { calls.peers }

  /// Copies a part of a tensor here.
  package func read(_ part: DevicePart, of index: Int, into target: UnsafeMutablePointer<Float>) throws {
    try calls.get(part.number, of: numbers[index], into: target)
  }

  /// Copies a part of a tensor there.
  package func write(_ part: DevicePart, of index: Int, from source: UnsafePointer<Float>) throws {
    try calls.put(part.number, of: numbers[index], from: source)
  }
}

extension DevicePart {
  fileprivate var number: Int {
    switch self {
    case .value: Int(CSE_WEIGHT)
    case .gradient: Int(CSE_GRADIENT)
    case .firstMoment: Int(CSE_MOMENT1)
    case .secondMoment: Int(CSE_MOMENT2)
    }
  }
}
