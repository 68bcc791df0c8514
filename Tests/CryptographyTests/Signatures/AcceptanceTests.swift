import Replication
import Testing

@testable import Cryptography

/// The acceptance rules over every form that openssl or a hand can make.
@Suite struct AcceptanceTests {
  @Test(arguments: GoodForms.all)
  func goodFormIsAccepted(_ form: Form) throws {
    let attempt = try form.make(SignatureCorpus.shared.get())
    #expect(throws: Never.self) { _ = try attempt.verdict.get() }
  }

  @Test(arguments: 1...9)
  func badFormsOfEachRuleAreRefusedForTheirReason(rule: Int) throws {
    let corpus = try SignatureCorpus.shared.get()
    let forms = BadForms.all.filter { $0.rule == rule }
    // Rule 7 is the caller's.
    #expect(forms.isEmpty == (rule == 7))
    for form in forms {
      let found = fault(try form.make(corpus))
      #expect(found == form.fault, "\(form.name): \(found?.reason ?? "accepted")")
    }
  }

  /// The line that the customer asked for.
  @Test func countsAreNoFewerThanPromised() throws {
    let corpus = try SignatureCorpus.shared.get()
    let accepted = try GoodForms.all.filter { fault(try $0.make(corpus)) == nil }
    let refused = try BadForms.all.filter { fault(try $0.make(corpus)) == $0.fault }
    let reasons = Set(BadForms.all.compactMap(\.fault))
    print(
      "\(accepted.count) good accepted, \(refused.count) bad refused",
      "for \(reasons.count) reasons")
    #expect(accepted.count == GoodForms.all.count && accepted.count >= 12)
    #expect(refused.count == BadForms.all.count && refused.count >= 40)
  }

  /// Forms with one reason are one fault to mend, and that is written down; a reason without a form
  /// would be one that nothing shows to work.
  @Test func eachReasonHasItsFormAndFormsShareOneOnlyWhereSaid() {
    let byFault = Dictionary(grouping: BadForms.all) { $0.fault }
    let sharing = byFault.filter { $0.value.count > 1 }.compactMap(\.key)
    #expect(Set(sharing) == Set(BadForms.shared.keys))
    let shown = Set(byFault.keys.compactMap(\.self))
    #expect(Set(SignatureFault.allCases).subtracting(shown) == [.unverifiable])
  }

  @Test func eachReasonIsSaidInBothLanguages() {
    for fault in SignatureFault.allCases {
      #expect(SignatureFault.texts[fault] != nil, "\(fault.reason)")
    }
    #expect(SignatureFault.certificateExpired.reason == "certificate-expired")
    #expect(Set(SignatureFault.allCases.map(\.description)).count == SignatureFault.allCases.count)
    #expect(Set(SignatureFault.allCases.map(\.vietnamese)).count == SignatureFault.allCases.count)
  }

  private func fault(_ attempt: Attempt) -> SignatureFault? {
    if case .failure(let fault) = attempt.verdict { fault } else { nil }
  }
}
