// Every architecture but BERT and RoBERTa (ComputeParityTests) against Hugging Face transformers in float64, on small
// random models: hidden states of every layer, gradients of every parameter. Tests/Fixtures/encoder/
// make_architectures.py wrote architectures.json and modernbert.json.

import Encoder
import Kernels
import TestSupport
import Testing

@Suite struct ArchitectureTests {
  @Test("hidden states and gradients", arguments: try ComputeFixture.architectures.get().map(\.name))
  func parity(name: String) throws {
    let fixture = try #require(try ComputeFixture.architectures.get().first { $0.name == name })
    let encoder = try ComputeFixture.encoder(of: fixture, pool: ComputeParityTests.pool)
    let states = try ComputeParityTests.compareStates(encoder, fixture.sentences, fixture.states)
    #expect(states < 2e-5)
    print("\(name): hidden states \(states)")
    for test in fixture.gradients {
      let worst = try ComputeParityTests.compareGradients(test, encoder, PackedBatch(fixture.sentences))
      print("\(name), layers \(test.layers), first only \(test.firstTokenOnly): gradients \(worst)")
    }
  }

  @Test("each has a model here but those of ComputeParityTests")
  func covered() throws {
    let families = try ComputeFixture.architectures.get().map {
      try ComputeFixture.encoder(of: $0, pool: ComputeParityTests.pool).configuration.family
    }
    #expect(Set(families + [.bert, .roberta]) == Set(EncoderConfiguration.Family.allCases))
  }

  @Test("which have the tensors and passes of BERT or RoBERTa, and what BERT calls those of the others")
  func likeness() throws {
    for fixture in try ComputeFixture.architectures.get() {
      let configuration = try ComputeFixture.encoder(of: fixture, pool: ComputeParityTests.pool).configuration
      let isRoberta = [.xlmRoberta, .camembert].contains(configuration.family)
      let others: EncoderConfiguration.Likeness = configuration.family == .modernbert ? .modern : .similar
      #expect(configuration.likeness == (isRoberta ? .roberta : others), "\(fixture.name)")
      let (own, plain) = (configuration.tensorNames, configuration.plainTensorNames)
      #expect(plain.count == own.count && Set(plain).count == plain.count)
      #expect((plain == own) == (isRoberta || [.electra, .ernie].contains(configuration.family)), "\(fixture.name)")
      guard [.electra, .ernie].contains(configuration.family) else { continue }
      var simple = configuration
      (simple.embeddingSize, simple.taskTypes) = (simple.hiddenSize, 0)
      #expect(simple.likeness == .bert)
      var bert = simple
      bert.family = .bert
      #expect(simple.tensorNames == bert.tensorNames)
    }
  }

  @Test("a layer's joined map and the norms behind its sums have names like BERT's")
  func plainNamesOfModernBERT() throws {
    let configuration = try ComputeFixture.encoder("modernbert biased", pool: ComputeParityTests.pool).configuration
    let pairs = zip(configuration.tensorNames, configuration.plainTensorNames)
    let plain = Dictionary(uniqueKeysWithValues: pairs.map { ($0, $1) })
    let last = configuration.layerCount - 1
    let expected = [
      "embeddings.tok_embeddings.weight": "embeddings.word_embeddings.weight",
      "layers.0.attn.Wqkv.weight": "encoder.layer.0.attention.self.query_key_value.weight",
      "layers.0.mlp_norm.bias": "encoder.layer.0.attention.output.LayerNorm.bias",
      "layers.1.attn_norm.weight": "encoder.layer.0.output.LayerNorm.weight",
      "final_norm.weight": "encoder.layer.\(last).output.LayerNorm.weight",
    ]
    for (own, name) in expected { #expect(plain[own] == name) }
    #expect(configuration.positionRows == 0)
  }

  @Test("weight decay is for maps and tables, not for norms, biases and what attention adds for distances")
  func decay() throws {
    let encoder = try ComputeFixture.encoder("mpnet", pool: ComputeParityTests.pool)
    for parameter in encoder.parameters {
      let isSpared = parameter.shape.count == 1 || parameter.name == "encoder.relative_attention_bias.weight"
      #expect(parameter.decays == !isSpared, "\(parameter.name)")
    }
  }

  /// ModernBERT's: attention's rate behind attention's output map, that of hidden states before the second feed-forward
  /// map. With embeddings that are all zero and one of the two maps empty, only the other's dropout is left.
  @Test(
    "dropout of layers whose norms are of inputs",
    arguments: [("attn.Wo", Float(0.5), Float(0), true), ("attn.Wo", 0, 0.5, false), ("mlp.Wo", 0.5, 0, false)])
  func modernDropoutSites(emptied: String, hidden: Float, attention: Float, drops: Bool) throws {
    let dropped = try states(
      "modernbert biased", without: emptied, .reading(step: 1, hiddenDropout: hidden, attentionDropout: attention))
    #expect(try (dropped != states("modernbert biased", without: emptied, .inference)) == drops)
  }

  /// Behind the output map whole rows of it are left out, each number by itself: attention weights alone would scale a
  /// token's result as a whole where all values are the same.
  @Test func attentionsRateDropsNumbersOfItsOutput() throws {
    let mode = EncoderMode.reading(step: 1, hiddenDropout: 0, attentionDropout: 0.5)
    let (dropped, whole) = (
      try states("modernbert biased", without: "mlp.Wo", mode),
      try states("modernbert biased", without: "mlp.Wo", .inference)
    )
    let gone = zip(dropped, whole).count { $0 == 0 && $1 != 0 }
    #expect((whole.count * 2 / 5...whole.count * 3 / 5).contains(gone), "\(gone) of \(whole.count)")
  }

  /// The first layer's hidden state with embeddings that are all zero and without some tensors.
  private func states(_ name: String, without emptied: String, _ mode: EncoderMode) throws -> [Float] {
    let encoder = try ComputeFixture.encoder(name, pool: ComputeParityTests.pool)
    for parameter in encoder.parameters
    where ["embeddings.LayerNorm", "embeddings.norm"].contains(where: parameter.name.hasPrefix)
      || parameter.name.contains(emptied)
    {
      parameter.value.update(repeating: 0, count: parameter.count)
    }
    let request = LayerRequest(layers: [1], firstTokenOnly: false)
    let hidden = try encoder.forward(PackedBatch([[5, 9, 11, 40, 7]]), request: request, mode: mode)[0]
    return Array(UnsafeBufferPointer(start: hidden.pointer, count: hidden.rows * hidden.columns))
  }

  /// With embeddings that are all zero and one of the two blocks empty, only the other block's dropout is left.
  @Test(
    "dropout is where the architecture has it, and nowhere else",
    arguments: [
      ("distilbert", "ffn.lin2", false), ("distilbert", "attention.out_lin", true),
      ("albert", "attention.dense", false), ("albert", "ffn_output", true),
      ("mpnet", "0.output.dense", true), ("mpnet", "attention.attn.o", true),
    ])
  func dropoutSites(name: String, emptied: String, drops: Bool) throws {
    let dropped = try states(name, without: emptied, .reading(step: 1, hiddenDropout: 0.5, attentionDropout: 0))
    #expect(try (dropped != states(name, without: emptied, .inference)) == drops)
  }
}
