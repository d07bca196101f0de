// What varies on purpose, and values that are chosen: texts, labels, combinations, and which candidate is the best.

import Comparison
import Testing
import Training

@Suite("what varies in a comparison")
struct VariationTests {
  private func request(_ strategies: [String], vary: [String] = [], tune: [String] = []) -> ComparisonRequest {
    var request = ComparisonRequest()
    (request.strategies, request.vary, request.tune) = (strategies, vary, tune)
    return request
  }

  @Test("every combination is a row whose label says what differs")
  func combinations() throws {
    let rows = try StrategyVariant.all(
      request(["simcse", "mixcse:lambda=0.1|0.2"], vary: ["--learning_rate=1e-5,3e-5", "pooler=cls,avg"]))
    #expect(rows.count == 12)
    #expect(rows[1].text.label == "simcse learning-rate=1e-5 pooler=avg")
    #expect(rows[6].text.label == "mixcse:lambda=0.1 learning-rate=3e-5 pooler=cls")
    #expect(rows[0].values.map(\.label) == ["learning-rate=1e-5", "pooler=cls"])
    #expect(Set(rows.map(\.text.label)).count == 12)
    #expect(try StrategyVariant.all(request(["simcse"])).map(\.text.label) == ["simcse"])
  }

  @Test("commas within parentheses belong to the value")
  func parentheses() throws {
    let variation = try Variation(parsing: "pooler=a:x=f(1,2),avg")
    #expect(variation.values == ["a:x=f(1,2)", "avg"])
  }

  @Test(arguments: [
    ("learning-rate", "FLAG=VALUE"), ("=1,2", "FLAG=VALUE"), ("learning-rate=1e-5", "two values or more, found 1"),
    ("learning-rate=", "found none"), ("learning-rate=1e-5,", "two values or more"),
    ("learning-rate=1e-5,fast", "expected a number, found 'fast'"), ("learning-rate=1e-5,7", "from 0 to 1"),
    ("batch-size=8,8", "8 twice"), ("learnign-rate=1,2", "learning-rate"), ("seed=1,2", "--seeds"),
    ("loss=a,b", "a part of the strategy"), ("threads=1,2", "decides the numbers"), ("output-dir=a,b", "decides"),
    ("head=mlp,mpl", "mlp or none"), ("mlm=true,maybe", "true or false"),
  ])
  func badTexts(_ text: String, _ said: String) {
    #expect {
      _ = try Variation(parsing: text)
    } throws: { "\($0)".hasPrefix("--vary \(text): expected") && "\($0)".contains(said) }
  }

  @Test("one flag twice is refused, and so is one that varies and is chosen")
  func twice() throws {
    #expect {
      _ = try StrategyVariant.all(request(["simcse"], vary: ["dropout=0,0.1", "dropout=0.2,0.3"]))
    } throws: { "\($0)".contains("dropout twice") }
    #expect {
      _ = try Tuning.candidates(request(["simcse"], vary: ["dropout=0,0.1"], tune: ["dropout=0.2,0.3"]))
    } throws: { "\($0)".contains("--vary dropout --tune dropout") }
  }

  @Test("candidates keep what varies, and add what is chosen")
  func candidates() throws {
    let found = try Tuning.candidates(
      request(["simcse", "mixcse"], vary: ["batch-size=8,16"], tune: ["learning-rate=1e-5,3e-5,1e-4"]))
    #expect(found.count == 4 && found.allSatisfy { $0.all.count == 3 })
    #expect(found[1].of.text.label == "simcse batch-size=16")
    #expect(found[1].all[2].values.map(\.label) == ["batch-size=16", "learning-rate=1e-4"])
  }

  @Test("the best is the highest, the first of equals; what failed is none")
  func best() {
    func choice(_ scores: [Double?]) -> Int? {
      TuningChoice(label: "a", candidates: scores.map { .init(values: [], score: $0) }).best
    }
    #expect(choice([1, 3, 2]) == 1 && choice([3, 3]) == 0 && choice([nil, -4]) == 1 && choice([nil, nil]) == nil)
  }
}
