// The text of bare functions: what it means, where it is wrong, and that no text can crash or hang the parser.

import Foundation
import Host
import TestSupport
import Testing

@Suite struct BareParserTests {
  private func problem(_ text: String) -> BareTextProblem? {
    do throws(BareTextProblem) {
      _ = try BareComponent.components(of: try BareParser.parse(text), source: text)
      return nil
    } catch {
      return error
    }
  }

  private func component(_ text: String) throws -> BareComponent {
    try #require(try BareComponent.components(of: try BareParser.parse(text), source: text).first)
  }

  @Test(arguments: bareCorpus) func validTextsAreUnderstood(text: String) {
    #expect(problem(text) == nil)
  }

  @Test func theExampleOfTheDesignIsASampler() throws {
    let text =
      "sampler my_negatives(z1:f32[n,d], z2:f32[n,d], n:i64, d:i64, lambda:f32=0.2 in [0,1] \"own share\","
      + " out out:f32[n,d])"
      + " -> f32 metric(lambda) detached gain(-1)=0 ;"
    let sampler = try component(text)
    #expect(sampler.kind == .sampler && sampler.name == "my_negatives" && sampler.metrics == ["lambda"])
    #expect(
      sampler.parameters.map(\.declarationText) == ["lambda: float = 0.2 in [0, 1] live"]
        && sampler.parameters[0].text == "own share")
    #expect(sampler.forward.slots.map(\.role) == [.view(0), .view(1), .rows, .width, .parameter(0), .vectors(0)])
    #expect(sampler.forward.declaration.attributes.gains.map(\.shift) == [-1])
  }

  @Test func kindsGradientsAndParametersFindTheirRoles() throws {
    let loss = try component(
      "loss x = f(u1:f64[n,d], n:i32, d:size, k:i32=3, grad u1:f64[n,d], scratch t:f32[k,d]) -> f64 ;")
    #expect(loss.forward.declaration.symbol == "f" && !loss.scoresLogits)
    #expect(loss.forward.slots.map(\.role) == [.unit(0), .rows, .width, .parameter(0), .unitGradient(0), .scratch])
    // A dimension needs a new plan when it changes, any other parameter does not.
    #expect(loss.parameters[0].live == false)
    #expect(try component("metric r(u1:f32[n,d], n:i64, d:i64) -> f64 ;").metrics == ["r"])
    let text = try BareParser.parse("library org.example.x 1.2; fn f() -> i32;")
    #expect(text.libraryID == "org.example.x" && text.version == "1.2")
  }

  /// Text, line, column, and a part of the message.
  static let broken: [(String, Int, Int, String)] = [
    ("samplr a() ;", 1, 1, "did you mean 'sampler'?"),
    ("loss a(logits:f32[n,m], out dlogits:f32[n,m]) -> f64", 1, 53, "expected ';'"),
    ("loss a(logits:f23[n,m]) -> f64 ;", 1, 15, "did you mean 'f32'?"),
    ("loss a(logits:f32[m,n], out dlogits:f32[n,m]) -> f64 ;", 1, 8, "'logits' is f32[n,m], found f32[m,n]"),
    ("loss a(logits:i32[n,m]) -> f64 ;", 1, 8, "one of f32, f64, found i32"),
    ("loss a(logits:f32[n,m]) -> f64 ;", 1, 1, "where does the gradient come from?"),
    ("loss a(logits:f32[n,m], dlogits:f32[n,m]) -> f64 ;", 1, 25, "write 'out' or 'grad' before"),
    ("loss a(logits:f32[n,m], u1:f32[n,d]) -> f64 rowwise ;", 1, 1, "not both"),
    ("loss a(logits:f32[n,m], n:i64) -> f64 rowwise ;", 1, 1, "out row_loss:f64[n]"),
    ("loss a(logits:f32[n,m], n:f32, out dlogits:f32[n,m]) -> f64 ;", 1, 25, "'n' is one of i32"),
    ("# one\nloss a(logits:f32[n,m],\n  temp:f32, out dlogits:f32[n,m]) -> f64 ;", 3, 3, "a parameter needs a default"),
    ("sampler a(out x:f32[n,d]) ;", 1, 1, "say 'detached', or name the function"),
    ("sampler a(out x:f32[d,n]) detached ;", 1, 11, "new vectors are [n,d], [k,d] or [n,k,d]"),
    ("sampler a(out x:f32[k,d]) detached ;", 1, 11, "the dimension 'k'"),
    ("sampler a(z4:f32[n,d], out x:f32[n,d]) detached ;", 1, 11, "given no array 'z4'"),
    ("sampler a(out x:f32[n,d]) detached gain(-1)=speed ;", 1, 36, "no numeric parameter 'speed'"),
    ("sampler a(out x:f32[n,d]) backward(b) ;", 1, 1, "there is no 'backward b(...)'"),
    ("sampler a(out x:f32[n,d]) detached mask(all) ;", 1, 36, "mask(zero) or mask(exclude)"),
    ("sampler a(lambda:f32=2 in [0,1], out x:f32[n,d]) detached ;", 1, 11, "outside its range"),
    ("sampler a(lambda:f32=0.5 in [1,0]) detached ;", 1, 26, "the range is empty"),
    ("sampler a(lambda:f32=x, out x:f32[n,d]) detached ;", 1, 11, "the default 'x' of 'lambda' is no f32"),
    ("pooler a(hidden:f32[t,d], out v:f32[s,d]) ;", 1, 1, "a pooler needs backward(NAME)"),
    ("schedule a(u1:f32[n,d]) -> f64 ;", 1, 12, "given no array 'u1'"),
    ("metric a(u1:f32[n,d]) detached -> f64 ;", 1, 32, "expected an attribute"),
    ("backward b(out dz1:f32[n,d]) ;", 1, 1, "nothing calls it"),
    ("fn a() -> i32 ; fn a() -> i32 ;", 1, 17, "declared twice"),
    ("fn a(x:i32, x:i32) ;", 1, 13, "two arguments 'x'"),
    ("fn a(\u{e9}x:i32) ;", 1, 6, "a letter outside of ASCII"),
    ("fn a(x:f64[k]) ;", 1, 6, "the dimension 'k'"),
    ("fn a(x:cstr=\"open) ;", 1, 13, "no closing"),
    ("sampler a(state q:f32[8,d]) cols(q) ;", 1, 11, "would never change"),
    ("sampler a(state q:f32[8,n]) cols(q) ;", 1, 11, "outlives the batch"),
    ("sampler a(state q:f64[8,d]) cols(q) ;", 1, 11, "an array of f32 or i64"),
    ("sampler a(state q:f32[8,d]) cols(q) commit(p) ; commit p(q:f32[8,d]) ;", 1, 49, "it changes no state"),
    (
      "sampler a(state q:f32[8,d]) cols(q) commit(p) ; commit p(inout q:f32[9,d]) ;", 1, 58,
      "the state 'q' is f32[8,d], found f32[9,d]"
    ),
    (
      "sampler a(state q:f32[8,d]) cols(q) commit(p) ; commit p(logits:f32[n,m], inout q:f32[8,d]) ;", 1, 58,
      "given no array 'logits'"
    ),
    (
      "sampler a(state q:f32[8,d]) cols(q) commit(p) ; commit p(inout q:f32[8,d], k:i64) ;", 1, 76,
      "has no parameter 'k' that its commit could see"
    ),
    ("sampler a(state q:f32[8,d], inout q:f32[8,d]) cols(q) ;", 1, 29, "written in commit(NAME) only"),
    (
      "sampler a(state q:f32[8,d], out x:f32[n,d]) detached cols(q) commit(p) ; commit p(inout q:f32[8,d]) ;", 1, 1,
      "not both; write two"
    ),
    (
      "sampler a(state q:i64[8,d]) cols(q) commit(p) ; commit p(inout q:i64[8,d]) ;", 1, 11,
      "what is compared is f32[k,d]"
    ),
    (
      "pooler a(hidden:f32[t,d], state q:f32[d], out v:f32[s,d]) backward(b) ;", 1, 27,
      "only samplers, losses and metrics"
    ),
    ("sampler a(state z1:f32[8,d]) cols(z1) ;", 1, 11, "a state needs a name of its own"),
    ("commit p(z1:f32[n,d]) ;", 1, 1, "nothing calls it"),
  ]

  @Test(arguments: broken) func problemsNameTheirPlace(text: String, line: Int, column: Int, part: String) throws {
    let found = try #require(problem(text))
    #expect("\(found)".contains(part), "\(found)")
    #expect(found.line == line && found.column == column, "\(found)")
  }

  @Test func almostRightTextsNeverCrashTheParser() {
    var generator = GrammarFuzz(seed: 20, corpus: bareCorpus)
    var (accepted, refused) = (0, 0)
    for index in 0..<50_000 {
      let bytes = generator.next()
      do throws(BareTextProblem) {
        let text = try BareParser.parse(bytes: bytes)
        _ = try BareComponent.components(of: text, source: String(decoding: bytes, as: UTF8.self))
        accepted += 1
      } catch {
        refused += 1
        let isInside = error.line >= 1 && error.column >= 1 && error.column <= bytes.count + 1
        #expect(isInside, "text \(index) of seed 20: \(error)")
      }
    }
    // A generator that makes only rubbish, or only valid texts, would test nothing.
    #expect(accepted > 2000 && refused > 10_000)
  }
}
