import COpenSSL
import Replication

/// Whom we believe about record signatures: the record authority's certificates and revocation
/// lists and, apart from them, the time-stamp authority's. Never the link authority, never the
/// system's. Made once from files and replaced whole: a verification uses the one it began with.
package struct RecordTrust: Sendable {
  /// Certificates, or revocation lists, in one file. A national authority has some ten of each.
  package static let maximumBlockCount = 64

  let records: TrustDomain
  /// nil: no time-stamp token can be verified.
  let timestamps: TrustDomain?
  let acceptedPolicies: [ObjectIdentifier]

  /// - Parameters:
  ///   - anchorPEM: the record authority's certificate, with its successor and intermediates.
  ///   - revocationListPEM: one list an issuer; of several the newest counts. nil: every signature
  ///     is refused with `.revocationListMissing` until there is one.
  ///   - timestampAnchorPEM: the time-stamp authority's certificate.
  ///   - timestampRevocationListPEM: when given, tokens need a list in force.
  ///   - acceptedPolicies: certificate policies that show a certificate without extended key usage
  ///     to be one for signing, each as arcs: `[2, 16, 704]`.
  /// - Throws: `.unreadable`, `.tooManyCertificates`, `.library`; `.invalidRequest` for a list that
  ///   does not say when the next one comes.
  package init(
    anchorPEM: [UInt8], revocationListPEM: [UInt8]?, timestampAnchorPEM: [UInt8]? = nil,
    timestampRevocationListPEM: [UInt8]? = nil, acceptedPolicies: [[UInt64]] = []
  ) throws(CryptographyError) {
    records = try TrustDomain(
      anchorPEM: anchorPEM, revocationListPEM: revocationListPEM, requiresLists: true)
    timestamps = try timestampAnchorPEM.map { pem throws(CryptographyError) in
      try TrustDomain(
        anchorPEM: pem, revocationListPEM: timestampRevocationListPEM,
        requiresLists: timestampRevocationListPEM != nil)
    }
    guard acceptedPolicies.allSatisfy({ $0.count >= 2 && $0[0] <= 2 }) else {
      throw .invalidRequest("a certificate policy of fewer than two arcs")
    }
    self.acceptedPolicies = acceptedPolicies.map { arcs in
      ObjectIdentifier(arcs: arcs.map { UInt128($0) })
    }
  }

  /// The record authority's lists as they stand, for status and warnings before one runs out.
  package var revocationLists: [RevocationListState] { records.lists.map(\.state) }
}

/// What a revocation list says of itself.
package struct RevocationListState: Hashable, Sendable {
  /// Who issued it, RFC 2253.
  package let issuer: String
  /// The CRL number, most significant byte first; empty when it has none.
  package let number: [UInt8]
  /// From lastUpdate to nextUpdate.
  package let validity: Validity
  /// Holds changes only: never used, and named as the reason when it is all there is.
  package let isDelta: Bool
}

/// Certificates and lists that count for one use.
///
/// `@unchecked Sendable`: nothing is changed after `init`, which also fills OpenSSL's caches, and
/// the counts of owners are atomic. Each verification builds its own X509_STORE around them, as the
/// time lives in the store.
final class TrustDomain: @unchecked Sendable {
  struct List {
    let raw: OpaquePointer
    /// Issuer in DER, authority key id and scope: of lists that agree in these the newest counts.
    let scope: [[UInt8]]
    let state: RevocationListState
    var issuer: [UInt8] { scope[0] }
  }

  private(set) var anchors: [OpaquePointer] = []
  private(set) var lists: [List] = []
  let requiresLists: Bool

  init(
    anchorPEM: [UInt8], revocationListPEM: [UInt8]?, requiresLists: Bool
  ) throws(CryptographyError) {
    self.requiresLists = requiresLists
    try forEachBlock(
      of: anchorPEM, named: "record authority certificate", limit: RecordTrust.maximumBlockCount,
      read: { PEM_read_bio_X509($0, nil, nil, nil) }, free: X509_free
    ) { (certificate) throws(CryptographyError) in
      X509_check_purpose(certificate, -1, 0)  // fills the caches
      try check(X509_up_ref(certificate))
      anchors.append(certificate)
    }
    guard let revocationListPEM else { return }
    try forEachBlock(
      of: revocationListPEM, named: "revocation list", limit: RecordTrust.maximumBlockCount,
      read: { PEM_read_bio_X509_CRL($0, nil, nil, nil) }, free: X509_CRL_free
    ) { (list) throws(CryptographyError) in try add(list) }
  }

  deinit {
    for anchor in anchors { X509_free(anchor) }
    for list in lists { X509_CRL_free(list.raw) }
  }

  private func add(_ raw: OpaquePointer) throws(CryptographyError) {
    X509_CRL_sort(raw)
    let list = List(raw: raw, scope: try scope(of: raw), state: try RevocationListState(raw))
    let rival = lists.firstIndex {
      $0.scope == list.scope && $0.state.isDelta == list.state.isDelta
    }
    if let rival, lists[rival].state.validity.notBefore >= list.state.validity.notBefore { return }
    try check(X509_CRL_up_ref(raw))
    if let rival {
      X509_CRL_free(lists[rival].raw)
      lists[rival] = list
    } else {
      lists.append(list)
    }
  }

  /// A store that judges certificates at one moment and lists at another, not earlier one.
  func store(at moment: JudgedMoment) throws(CryptographyError) -> Owned {
    let store = try Owned(X509_STORE_new(), X509_STORE_free)
    for anchor in anchors { try check(X509_STORE_add_cert(store.raw, anchor)) }
    for list in lists { try check(X509_STORE_add_crl(store.raw, list.raw)) }
    let parameters = X509_STORE_get0_param(store.raw)
    X509_VERIFY_PARAM_set_time(parameters, time_t(moment.seconds))
    X509_VERIFY_PARAM_set_auth_level(parameters, Self.securityLevel)
    X509_VERIFY_PARAM_set_depth(parameters, Self.maximumDepth)
    var flags = UInt(X509_V_FLAG_X509_STRICT)
    if requiresLists { flags |= UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL) }
    try check(X509_VERIFY_PARAM_set_flags(parameters, flags))
    if moment.revocationSeconds > moment.seconds {
      try check(
        X509_STORE_set_ex_data(
          store.raw, revocationSlot,
          UnsafeMutableRawPointer(bitPattern: Int(moment.revocationSeconds))))
      X509_STORE_set_verify_cb(store.raw, judgePast)
    }
    return store
  }

  /// 112 bits: RSA of 2048, SHA-256.
  private static let securityLevel: CInt = 2
  /// Certificates between the signer's and the anchor, at most.
  private static let maximumDepth: CInt = 4
}

/// Certificates count as they stood at `seconds`; lists as we know them at `revocationSeconds`,
/// which is later when a past moment is judged: then a revocation after that moment does not count.
struct JudgedMoment {
  let seconds: Int64
  let revocationSeconds: Int64

  /// `revocation` before `time` counts as `time`.
  init(_ time: WallTime, revocation: WallTime) {
    seconds = Int64(time.microseconds / 1_000_000)
    revocationSeconds = max(seconds, Int64(revocation.microseconds / 1_000_000))
  }
}

/// Where a store keeps the second for its lists. Given once by the library, never changed.
private let revocationSlot = dongbo_store_slot()

/// Forgives two faults when a past moment is judged, and no other: a list made after it, and a
/// revocation dated after it.
private func judgePast(_ isGood: CInt, _ verification: OpaquePointer?) -> CInt {
  guard isGood != 1 else { return 1 }
  guard let store = X509_STORE_CTX_get0_store(verification),
    let slot = X509_STORE_get_ex_data(store, revocationSlot),
    let list = X509_STORE_CTX_get0_current_crl(verification),
    let certificate = X509_STORE_CTX_get_current_cert(verification)
  else { return 0 }
  let seconds = Int64(X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(verification)))
  switch X509_STORE_CTX_get_error(verification) {
  case X509_V_ERR_CRL_NOT_YET_VALID:
    guard let made = unixSeconds(X509_CRL_get0_lastUpdate(list)) else { return 0 }
    return made <= Int64(Int(bitPattern: slot)) ? 1 : 0
  case X509_V_ERR_CERT_REVOKED:
    var entry: OpaquePointer?
    guard X509_CRL_get0_by_cert(list, &entry, certificate) == 1,
      let since = unixSeconds(X509_REVOKED_get0_revocationDate(entry)),
      // When the key was lost before it was reported, the report's date says nothing.
      X509_REVOKED_get_ext_by_NID(entry, NID_invalidity_date, -1) < 0
    else { return 0 }
    return since > seconds ? 1 : 0
  default: return 0
  }
}

extension RevocationListState {
  fileprivate init(_ list: OpaquePointer) throws(CryptographyError) {
    guard let start = unixSeconds(X509_CRL_get0_lastUpdate(list)),
      let end = unixSeconds(X509_CRL_get0_nextUpdate(list))
    else { throw .invalidRequest("a revocation list without nextUpdate") }
    issuer = try nameText(X509_CRL_get_issuer(list))
    validity = Validity(notBefore: start, notAfter: end)
    isDelta = X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0
    let integer = X509_CRL_get_ext_d2i(list, NID_crl_number, nil, nil)?
      .assumingMemoryBound(to: ASN1_INTEGER.self)
    defer { ASN1_INTEGER_free(integer) }
    number = integer.map { bytes(of: $0) } ?? []
    ERR_clear_error()
  }
}

private func scope(of list: OpaquePointer) throws(CryptographyError) -> [[UInt8]] {
  let issuer = try derBytes { i2d_X509_NAME(X509_CRL_get_issuer(list), $0) }
  let extensions = [NID_authority_key_identifier, NID_issuing_distribution_point].map { kind in
    let found = X509_CRL_get_ext(list, X509_CRL_get_ext_by_NID(list, kind, -1))
    return X509_EXTENSION_get_data(found).map { bytes(of: $0) } ?? []
  }
  return [issuer] + extensions
}

/// A name as one line, UTF-8, RFC 2253.
func nameText(_ name: OpaquePointer?) throws(CryptographyError) -> String {
  let text = try writtenBytes { dongbo_print_name($0, name) >= 0 ? 1 : 0 }
  return String(decoding: text, as: UTF8.self)
}
