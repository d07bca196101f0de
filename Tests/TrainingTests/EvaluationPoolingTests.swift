// The rule which vector scores are about, for every pooler and head, and the flags that say the same elsewhere.

import Host
import Testing
import Training

@Suite("evaluation pooling") struct EvaluationPoolingTests {
  private func pooling(
    _ training: String, head: Bool, asked: String? = nil, frozen: Bool = false
  ) throws -> EvaluationPooling {
    EvaluationPooling(
      training: try PoolerSpec(parsing: training), hasHead: head, asked: try asked.map { try PoolerSpec(parsing: $0) },
      isFrozen: frozen)
  }

  @Test(
    "the training pooler before the head, whatever the pooler",
    arguments: [
      ("cls", true, "cls_before_pooler", ["--pooler", "cls_before_pooler"]),
      ("cls", false, "cls", ["--pooler", "cls"]),
      ("avg", true, "avg (before the head)", ["--pooler", "avg", "--before-head"]),
      ("avg", false, "avg", ["--pooler", "avg"]),
      (
        "weighted:first=1", true, "weighted:first=1 (before the head)",
        ["--pooler", "weighted:first=1", "--before-head"]
      ),
      ("cls_before_pooler", false, "cls_before_pooler", ["--pooler", "cls_before_pooler"]),
    ])
  func byDefault(pooler: String, hasHead: Bool, text: String, arguments: [String]) throws {
    let pooling = try pooling(pooler, head: hasHead)
    #expect(pooling.isTrainingPooler && !pooling.usesHead)
    #expect(pooling.text == text && pooling.arguments == arguments)
  }

  @Test("a frozen run is scored through its head", arguments: ["cls", "avg"])
  func frozen(pooler: String) throws {
    let pooling = try pooling(pooler, head: true, frozen: true)
    #expect(pooling.usesHead && pooling.arguments == ["--pooler", pooler] && pooling.text == pooler)
  }

  @Test("--eval-pooler is taken as it was typed")
  func asked() throws {
    let through = try pooling("avg", head: true, asked: "avg")
    #expect(through.isTrainingPooler && through.usesHead && through.arguments == ["--pooler", "avg"])
    let other = try pooling("avg", head: true, asked: "avg_top2")
    #expect(!other.isTrainingPooler && !other.usesHead && other.arguments == ["--pooler", "avg_top2"])
    let before = try pooling("cls", head: true, asked: "cls_before_pooler")
    #expect(before.isTrainingPooler && !before.usesHead && before.arguments == ["--pooler", "cls_before_pooler"])
  }
}
