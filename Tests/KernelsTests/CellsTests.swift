// Cells of a similarity matrix: every kernel against a plain loop, at sizes around whole vectors and stretches.

import CKernels
import Testing

@Suite struct CellsTests {
  /// A row with edits here and there: a factor, an offset, a masked and an excluded cell.
  struct Row {
    let sim, dLogits, dSimilarity: [Float]
    var gain, bias: [Float]

    init(_ count: Int) {
      sim = randomValues(count, seed: 1)
      dLogits = randomValues(count, seed: 2)
      dSimilarity = randomValues(count, seed: 3)
      (gain, bias) = ([Float](repeating: 1, count: count), [Float](repeating: 0, count: count))
      for (place, edit) in [(0, 1), (3, 2), (17, 3), (64, 1), (100, 2), (130, 3)] where place < count {
        switch edit {
        case 1: gain[place] = 0
        case 2: bias[place] = -.infinity
        default: (gain[place], bias[place]) = (0.5, 0.25)
        }
      }
    }

    func isCompared(_ k: Int) -> Bool { gain[k] != 0 && bias[k] != -.infinity }
  }

  static let counts = [1, 15, 16, 17, 63, 64, 65, 128, 131, 200]

  @Test(arguments: counts, [false, true]) func logitsAndTheirSum(count: Int, isEdited: Bool) {
    let row = Row(count)
    var logits = [Float](repeating: -7, count: count + 1)
    ck_cells_logits(Int64(count), 20, row.sim, isEdited ? row.gain : nil, isEdited ? row.bias : nil, &logits)
    #expect(logits[count] == -7)
    var total = ck_cells_total(sum: 1, count: 2)
    ck_cells_add(Int64(count), logits, isEdited ? row.gain : nil, isEdited ? row.bias : nil, &total)
    var (sum, compared) = (1.0, Int64(2))
    for k in 0..<count {
      let wanted = isEdited ? row.gain[k] * row.sim[k] * 20 + row.bias[k] : row.sim[k] * 20
      #expect(logits[k] == wanted || abs(logits[k] - wanted) < 1e-5, "cell \(k)")
      guard !isEdited || row.isCompared(k) else { continue }
      sum += Double(logits[k])
      compared += 1
    }
    #expect(total.count == compared)
    #expect(abs(total.sum - sum) < 1e-9)
  }

  @Test(arguments: counts, [false, true]) func gradients(count: Int, isEdited: Bool) {
    let row = Row(count)
    for (usesSimilarity, adds, isInPlace) in [(true, true, false), (false, false, false), (true, false, true)] {
      var gradient = isInPlace ? row.dLogits : randomValues(count, seed: 9)
      let before = gradient
      let take = ck_cells_take(factor: 3, weight: 0.5, adds: adds ? 1 : 0)
      gradient.withUnsafeMutableBufferPointer { target in
        guard let first = target.baseAddress else { return }
        row.dLogits.withUnsafeBufferPointer { dLogits in
          ck_cells_gradient(
            Int64(count), take, isInPlace ? UnsafePointer(first) : dLogits.baseAddress,
            usesSimilarity ? row.dSimilarity : nil, isEdited ? row.gain : nil, isEdited ? row.bias : nil, first)
        }
      }
      for k in 0..<count {
        var added = 3 * row.dLogits[k] * (isEdited ? row.gain[k] : 1)
        if usesSimilarity { added += 0.5 * row.dSimilarity[k] }
        if isEdited, row.bias[k] == -.infinity { added = 0 }
        #expect(abs(gradient[k] - (adds ? before[k] + added : added)) < 1e-5, "cell \(k)")
      }
    }
    let slope = ck_cells_slope(
      Int64(count), 3, row.dLogits, row.sim, isEdited ? row.gain : nil, isEdited ? row.bias : nil)
    let wanted = (0..<count).filter { !isEdited || row.bias[$0] != -.infinity }.reduce(0.0) {
      $0 + 3 * Double(row.dLogits[$1] * (isEdited ? row.gain[$1] : 1)) * Double(row.sim[$1])
    }
    #expect(abs(slope - wanted) < 1e-4)
  }

  @Test(arguments: counts) func editedStretches(count: Int) {
    let row = Row(count)
    let stretches = (count + 63) / 64
    var edited = [UInt8](repeating: 9, count: stretches + 1)
    #expect(ck_cells_review(Int64(count), row.gain, row.bias, &edited) == 0)
    for stretch in 0..<stretches {
      let cells = stretch * 64..<min(count, stretch * 64 + 64)
      #expect((edited[stretch] == 1) == cells.contains { row.gain[$0] != 1 || row.bias[$0] != 0 })
    }
    #expect(edited[stretches] == 9)
    for (gain, bias) in [(Float.nan, Float(0)), (.infinity, 0), (1, .nan), (1, .infinity)] {
      var broken = row
      (broken.gain[count - 1], broken.bias[count - 1]) = (gain, bias)
      #expect(ck_cells_review(Int64(count), broken.gain, broken.bias, &edited) == 1)
    }
  }

  @Test(arguments: counts) func whatALossLeft(count: Int) {
    let zeros = [Float](repeating: 0, count: count)
    #expect(ck_cells_look(Int64(count), zeros, zeros) == 0)
    for (place, value) in [(0, Float.nan), (count - 1, -.infinity), (count / 2, 1e-38)] {
      var numbers = zeros
      numbers[place] = value
      #expect(Int(ck_cells_look(Int64(count), numbers, zeros)) == (value.isFinite ? 0 : CK_LOGITS_NOT_FINITE))
      #expect(
        Int(ck_cells_look(Int64(count), zeros, numbers))
          == (value.isFinite ? CK_SIM_IN_USE : CK_SIM_IN_USE | CK_SIM_NOT_FINITE))
    }
  }
}
