import COpenSSL

/// Moments between which nothing turns: the judged one and that of revocation, each by its place
/// among ``TurningPoints``.
struct MomentClass: Hashable, Sendable {
  fileprivate let judged: Int
  fileprivate let revocation: Int
  /// Lists are asked as of a later moment: then some faults are forgiven.
  fileprivate let isPast: Bool
}

/// Every second with which a judgement of certain certificates under a certain trust can compare
/// its moment: begin and end of each certificate and list, and when a list revoked one of the
/// certificates.
///
/// A judgement uses its two moments in no other way than by comparing them with these and with each
/// other: OpenSSL's `X509_verify_cert` where it chooses among issuers and lists and where it checks
/// them, our `judgePast` and the choice of the list we name. So it comes out the same for any two
/// moments of one ``MomentClass``, which no such comparison tells apart; a moment on a point is in
/// a class of its own, so it does not matter which of them include it.
struct TurningPoints: Sendable {
  /// Ascending, each once.
  private let seconds: [Int64]

  /// - Parameter others: a stack of certificates beside the domain's anchors; may be nil.
  /// - Returns: nil when one of the times cannot be read.
  init?(of domain: TrustDomain, with others: OpaquePointer?) {
    var found: Set<Int64> = []
    for list in domain.lists {
      found.insert(list.state.validity.notBefore)
      found.insert(list.state.validity.notAfter)
    }
    for certificate in domain.anchors + certificates(in: others) {
      guard let start = unixSeconds(X509_get0_notBefore(certificate)),
        let end = unixSeconds(X509_get0_notAfter(certificate))
      else { return nil }
      found.insert(start)
      found.insert(end)
      for list in domain.lists {
        var entry: OpaquePointer?
        guard X509_CRL_get0_by_cert(list.raw, &entry, certificate) != 0 else { continue }
        guard let since = unixSeconds(X509_REVOKED_get0_revocationDate(entry)) else { return nil }
        found.insert(since)
      }
    }
    self.init(found)
  }

  init(_ seconds: some Sequence<Int64>) { self.seconds = Set(seconds).sorted() }

  func momentClass(of moment: JudgedMoment) -> MomentClass {
    MomentClass(
      judged: place(of: moment.seconds), revocation: place(of: moment.revocationSeconds),
      isPast: moment.revocationSeconds > moment.seconds)
  }

  /// Twice the number of points before `second`, and one more when it is itself one.
  private func place(of second: Int64) -> Int {
    let next = seconds.firstIndex { $0 >= second } ?? seconds.endIndex
    let isPoint = next < seconds.endIndex && seconds[next] == second
    return 2 * next + (isPoint ? 1 : 0)
  }
}

/// The certificates of a stack, which owns them.
func certificates(in stack: OpaquePointer?) -> [OpaquePointer] {
  guard let stack else { return [] }
  return (0..<OPENSSL_sk_num(stack)).compactMap { index in
    OPENSSL_sk_value(stack, index).map { OpaquePointer($0) }
  }
}
