// What the kit writes into the C descriptors, and what becomes of calls and failures.

import Glibc
import PluginAPI
import PluginKit
import Testing

private struct Other: Error {}

private final class Everything: Sampler, Stateful {
  enum Mode: Int64, CaseIterable { case plain, mixed }

  let name = "everything"
  let summary = "a parameter of each kind"
  let hardWeight = Real(0.5, in: "[0,1]", live: true, "a real one")
  let size = Whole(8, in: "[1,]", log: true, "a whole one")
  let normalize = Flag(true, "a flag")
  let mode = Choice(Mode.mixed, "a choice")
  let meanAngle = Metric()
  let notAParameter = 3

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    plan.editCells()
    plan.scratch(bytes: limits.maximumRows * limits.width)
    try plan.block(
      rows: .anchor, columns: .new(0), [.detachColumns, .perRow], perRow: call[size], fixed: 1, label: "mine")
    try plan.state("ring", shape: [call[size], limits.width], initial: .normal(mean: 1, deviation: 2))
    try plan.weight("scale", shape: [1], initial: .constant(3), decays: false, rateMultiplier: 10)
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    call.report(meanAngle, Double(call[hardWeight]) + (call[normalize] ? 1 : 0) + (call[mode] == .mixed ? 10 : 0))
    if batch.rows > 2 { throw PluginError.numeric("too many rows: \(batch.rows)") }
    _ = try batch.view(2)
  }

  func commit(_ call: Call, _ batch: Batch?) throws { throw Other() }
}

private final class Greedy: Sampler {
  let name = "greedy"
  let summary = "declares more than there is room for"
  let what = Choice(What.blocks, "what it asks too much of")
  enum What: Int64, CaseIterable { case blocks, states, weights, axes, layers, counters }

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    switch call[what] {
    case .blocks: for _ in 0..<9 { try plan.block(rows: .anchor, columns: .positive, label: "b") }
    case .states: for _ in 0..<17 { try plan.state("s", shape: [1]) }
    case .weights: for _ in 0..<17 { try plan.weight("w", shape: [1]) }
    case .axes: try plan.state("s", shape: [1, 1, 1, 1, 1])
    case .counters: for _ in 0..<17 { try plan.counters("c") }
    case .layers: try plan.read(layers: Array(repeating: 0, count: 65))
    }
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {}
}

private final class Counting: Sampler {
  let name = "counting"
  let summary = "says a text; counts"
  let layers = Text("-1/0", "a text")

  func plan(_ call: Call, _ limits: Limits, _ plan: Plan) throws {
    try plan.state("ring", shape: [1])
    try plan.counters("seen", count: 2)
  }

  func sample(_ call: Call, _ batch: Batch, into out: Candidates) throws {
    throw PluginError.invalid("layers \(call[layers])")
  }
}

private final class Quiet: Loss {
  let name = "quiet"
  let summary = "a loss of 2"
  func score(_ call: Call, _ logits: Logits) throws -> Double { 2 }
}

private let library = Library(
  id: "org.example.kit", version: "1.2", recipes: ["a = loss:quiet", "b = loss:quiet"],
  [Everything(), Greedy(), Quiet(), Counting()])

@Suite struct LibraryTests {
  private func component(_ index: Int) throws -> UnsafePointer<cse_component> {
    try #require(library.entry?.pointee.components?[index])
  }

  @Test func aLibraryIsDescribed() throws {
    let entry = try #require(library.entry?.pointee)
    #expect(Int(entry.struct_size) == MemoryLayout<cse_library>.size && entry.n_components == 4)
    #expect(Int32(entry.abi_major) == CSE_ABI_MAJOR && Int32(entry.abi_minor) == CSE_ABI_MINOR)
    #expect(String(cString: entry.id) == "org.example.kit" && String(cString: entry.license) == "MIT")
    #expect(String(cString: entry.recipes) == "a = loss:quiet\nb = loss:quiet")
  }

  @Test func propertiesBecomeDeclarations() throws {
    let everything = try component(0).pointee
    #expect(
      String(cString: everything.params) == """
        hard_weight: float = 0.5 in [0,1] live -- a real one
        size: int = 8 in [1,] log -- a whole one
        normalize: bool = true -- a flag
        mode: plain|mixed = mixed -- a choice

        """)
    #expect(String(cString: everything.metrics) == "mean_angle")
  }

  @Test func onlyWhatAComponentConformsToHasAFunction() throws {
    let (sampler, loss) = (try component(0).pointee, try component(2).pointee)
    #expect(sampler.kind == UInt32(CSE_SAMPLER) && loss.kind == UInt32(CSE_LOSS))
    #expect(sampler.sample != nil && sampler.commit != nil && sampler.pool == nil && sampler.on_logits == nil)
    #expect(loss.on_logits != nil && loss.commit == nil && loss.sample == nil && loss.on_embeds == nil)
    #expect(try component(1).pointee.commit == nil)
  }

  private func values(mode: Int64 = 1) -> [cse_value] {
    [cse_value(f: 0.25), cse_value(i: 5), cse_value(i: 1), cse_value(i: mode)]
  }

  @Test func aPlanIsWrittenIntoTheHostsArrays() throws {
    let everything = try component(0)
    let (call, room) = (HandmadeCall(everything, values: values(), metrics: 1), HandmadePlan())
    defer { withExtendedLifetime(room) {} }
    #expect(call.run { everything.pointee.plan($0, room.limits, room.plan) } == cse_status(CSE_OK), "\(call.text)")
    let plan = room.plan.pointee
    #expect((plan.n_blocks, plan.n_states, plan.n_weights) == (1, 1, 1))
    #expect(plan.flags == UInt32(CSE_EDIT_CELLS) && plan.scratch_bytes == 32)
    let block = plan.blocks[0]
    #expect((block.rows, block.cols, block.per_row, block.fixed) == (0, 16, 5, 1))
    #expect(block.flags == UInt32(CSE_DETACH_COLS | CSE_PRIVATE) && String(cString: block.label) == "mine")
    let state = plan.states[0]
    #expect(state.ndim == 2 && state.shape.0 == 5 && state.shape.1 == 4)
    #expect(state.`init` == UInt32(CSE_INIT_NORMAL) && state.a == 1 && state.b == 2)
    let weight = plan.weights[0]
    #expect(weight.flags == UInt32(CSE_NO_DECAY) && weight.lr_mult == 10 && weight.a == 3)
  }

  @Test(
    arguments: [
      (0, "at most 8 blocks"), (1, "at most 16 states"), (2, "at most 16 weights"), (3, "5 axes"), (4, "65"),
      (5, "at most 16 states"),
    ])
  func whatHasNoRoomIsAnErrorWithItsNumber(what: Int64, says: String) throws {
    let greedy = try component(1)
    let (call, room) = (HandmadeCall(greedy, values: [cse_value(i: what)]), HandmadePlan())
    defer { withExtendedLifetime(room) {} }
    #expect(call.run { greedy.pointee.plan($0, room.limits, room.plan) } == cse_status(CSE_E_INVALID))
    #expect(call.text.contains(says), "\(call.text)")
    #expect(room.plan.pointee.n_blocks <= 8 && room.plan.pointee.n_states <= 16 && room.plan.pointee.n_weights <= 16)
  }

  @Test func textsAndCounters() throws {
    let counting = try component(3)
    #expect(String(cString: counting.pointee.params) == "layers: string = \"-1/0\" -- a text\n")
    let room = HandmadePlan()
    defer { withExtendedLifetime(room) {} }
    let text = strdup("2/3")
    defer { free(text) }
    let call = HandmadeCall(counting, values: [cse_value(s: text)])
    #expect(call.run { counting.pointee.plan($0, room.limits, room.plan) } == cse_status(CSE_OK), "\(call.text)")
    let state = room.plan.pointee.states[1]
    #expect(room.plan.pointee.n_states == 2 && String(cString: state.name) == "seen")
    #expect((state.ndim, state.shape.0, state.dtype.code, state.dtype.bits, state.dtype.lanes) == (1, 2, 0, 64, 1))
    var (batch, out) = (cse_batch(), cse_candidates())
    #expect(call.run { counting.pointee.sample($0, &batch, &out) } == cse_status(CSE_E_INVALID))
    #expect(call.text == "layers 2/3")
  }

  private func sample(rows: Int64, mode: Int64 = 1) throws -> (cse_status, HandmadeCall) {
    let everything = try component(0)
    let call = HandmadeCall(everything, values: values(mode: mode), metrics: 1)
    var (batch, candidates) = (cse_batch(), cse_candidates())
    (batch.rows, batch.dim, batch.n_views) = (rows, 4, 2)
    return (call.run { everything.pointee.sample($0, &batch, &candidates) }, call)
  }

  @Test func valuesAreReadByPositionAndMetricsWritten() throws {
    #expect(try sample(rows: 1).1.metric(0) == 11.25)
    #expect(try sample(rows: 1, mode: 0).1.metric(0) == 1.25)
    // A number that is no case of the enumeration: the declared default.
    #expect(try sample(rows: 1, mode: 9).1.metric(0) == 11.25)
  }

  @Test func whatIsThrownBecomesAStatusAndAText() throws {
    let (many, call) = try sample(rows: 3)
    #expect(many == cse_status(CSE_E_NUMERIC) && call.text == "too many rows: 3")
    let (third, other) = try sample(rows: 2)
    #expect(third == cse_status(CSE_E_UNSUPPORTED) && other.text.contains("view z3 is needed"), "\(other.text)")
    let everything = try component(0)
    let commit = HandmadeCall(everything, values: values())
    #expect(commit.run { everything.pointee.commit($0, nil) } == cse_status(CSE_E_INTERNAL))
    #expect(commit.text.contains("Other"), "\(commit.text)")
  }

  @Test func whatTheHostLeavesOutIsAnErrorToo() throws {
    let everything = try component(0)
    let call = HandmadeCall(everything, values: values())
    #expect(call.run { everything.pointee.plan($0, nil, nil) } == cse_status(CSE_E_INTERNAL))
    #expect(call.text == "the host left out an argument")
    #expect(everything.pointee.plan(nil, nil, nil) == cse_status(CSE_E_INTERNAL))
    let nameless = HandmadeCall(nil)
    #expect(nameless.run { everything.pointee.commit($0, nil) } == cse_status(CSE_E_INTERNAL))
    #expect(nameless.text.contains("did not say which component"), "\(nameless.text)")
    // A function of a sampler, called for a loss.
    let loss = HandmadeCall(try component(2))
    #expect(loss.run { everything.pointee.commit($0, nil) } == cse_status(CSE_E_INTERNAL))
    #expect(loss.text == "quiet has no such function", "\(loss.text)")
  }

  @Test func aLossReturnsItsNumber() throws {
    let quiet = try component(2)
    var (logits, loss) = (cse_logits(), 0.0)
    let status = HandmadeCall(quiet).run { quiet.pointee.on_logits($0, &logits, &loss) }
    #expect(status == cse_status(CSE_OK) && loss == 2)
  }
}
