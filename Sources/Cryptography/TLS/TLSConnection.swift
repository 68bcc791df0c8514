import COpenSSL
package import Replication

/// One TLS 1.3 session as bytes in, bytes out: it knows no socket and no thread. A turn is
/// ``receive(_:)``, ``readPlaintext(appendingTo:limit:)``, ``write(_:)``, ``takeCiphertext()``;
/// after each the ``state`` says how it went.
///
/// Not `Sendable`: it belongs to one thread, and each call runs to its end on it, because OpenSSL
/// keeps the cause of a failure in the thread's error queue.
package final class TLSConnection {
  /// Which end speaks first: a province is the client, the centre the server.
  package enum Role: Sendable {
    case client
    case server

    fileprivate var peerPurpose: String { self == .client ? "ssl_server" : "ssl_client" }
  }

  /// How far the session is; the one place that says so.
  package enum State: Hashable, Sendable {
    /// Exits: established, failed, closed.
    case handshaking
    /// Both certificates are verified as far as *this* end can know: a client learns of a refusal
    /// only with the next bytes. Exits: failed, closed.
    case established(PeerIdentity)
    /// Send what ``takeCiphertext()`` still holds (the alert), then close the socket.
    case failed(TLSFailure)
    /// Either end sent close_notify.
    case closed
  }

  /// Most bytes taken from a peer that has not completed its handshake.
  package static let maximumHandshakeByteCount = 64 * 1024
  /// Most ciphertext waiting for ``readPlaintext(appendingTo:limit:)``.
  package static let maximumInputByteCount = 1 << 20
  /// A TLS record carries at most this much (RFC 8446 section 5.1).
  private static let maximumRecordByteCount = 16 * 1024
  /// ... and this much beside it: header, content type and tag (RFC 8446 section 5.2).
  private static let recordOverheadByteCount = 5 + 1 + 16

  package private(set) var state = State.handshaking
  private let role: Role
  private let profile: LinkProfile
  private let session: OpaquePointer
  /// Ciphertext from and to the network. The session's BIO is freed with it, before them.
  private let buffers = CiphertextBuffers()
  private var handshakeByteCount = 0
  private var recordsUnderKey = 0

  /// Starts a session; a client has its first flight ready to take.
  /// - Parameter unixSeconds: when certificates are judged; nil asks the machine's clock.
  /// - Throws: `.library` when memory is out.
  package init(
    context: TLSContext, role: Role, verifyingAt unixSeconds: Int64? = nil
  ) throws(CryptographyError) {
    ERR_clear_error()
    guard let session = SSL_new(context.raw) else { throw .library(drainErrors()) }
    guard let bio = buffers.makeBIO() else {
      SSL_free(session)
      throw .library(drainErrors())
    }
    SSL_set_bio(session, bio, bio)
    self.session = session
    (self.role, profile) = (role, context.profile)
    if let unixSeconds {
      X509_VERIFY_PARAM_set_time(SSL_get0_param(session), time_t(unixSeconds))
    }
    switch role {
    case .client: SSL_set_connect_state(session)
    case .server: SSL_set_accept_state(session)
    }
    advanceHandshake()
  }

  deinit { SSL_free(session) }

  /// How many bytes ``receive(_:)`` takes now; 0 until plaintext is read.
  package var inputCapacity: Int { Self.maximumInputByteCount - buffers.arrivedByteCount }

  /// Ciphertext came from the network, at most ``inputCapacity`` bytes of it. Ignored once the
  /// session has failed or is closed.
  package func receive(_ ciphertext: ArraySlice<UInt8>) {
    precondition(ciphertext.count <= inputCapacity, "\(ciphertext.count) into \(inputCapacity)")
    var rest = ciphertext
    while !rest.isEmpty {
      switch state {
      case .failed, .closed: return
      case .established: return buffers.arrive(rest)
      case .handshaking:
        // A record at a time: what follows the handshake in the same bytes does not count to it.
        let next = rest.prefix(Self.maximumRecordByteCount)
        guard next.count <= Self.maximumHandshakeByteCount - handshakeByteCount else {
          state = .failed(.handshakeTooLong)
          return
        }
        handshakeByteCount += next.count
        rest = rest.dropFirst(next.count)
        buffers.arrive(next)
        advanceHandshake()
      }
    }
  }

  /// The network has no more bytes. Without a close_notify before it, the session fails as
  /// truncated as soon as the plaintext that did arrive has been read.
  package func inputEnded() {
    buffers.isEnded = true
    if case .handshaking = state { advanceHandshake() }
  }

  /// Appends decrypted bytes, at most `limit`.
  /// - Returns: how many; fewer than `limit` when more ciphertext is needed or the session is over.
  package func readPlaintext(appendingTo plaintext: inout [UInt8], limit: Int) -> Int {
    guard limit > 0, case .established = state else { return 0 }
    // Plaintext is shorter than its ciphertext, so this holds all there is; the one byte is for the
    // call that finds out that there is nothing, or the end.
    let available = buffers.arrivedByteCount + Int(SSL_pending(session))
    let capacity = min(limit, max(available, 1))
    var total = 0
    plaintext.append(addingCapacity: capacity) { target in
      target.withUnsafeMutableBufferPointer { buffer, initializedCount in
        let free = UnsafeMutableRawBufferPointer(
          UnsafeMutableBufferPointer(rebasing: buffer[initializedCount...]))
        while total < capacity, case .established = state {
          let count = read(into: free.baseAddress.map { $0 + total }, capacity - total)
          guard count > 0 else { break }
          total += count
        }
        initializedCount += total
      }
    }
    return total
  }

  /// Encrypts `plaintext`; nothing is taken before the session is established or after its end.
  /// - Returns: how many bytes were taken. Fewer than all, in an established session, only while a
  ///   message of the peer is half received: offer the rest again after ``receive(_:)``.
  package func write(_ plaintext: Span<UInt8>) -> Int {
    guard case .established = state else { return 0 }
    let recordCount = plaintext.count / Self.maximumRecordByteCount + 1
    buffers.expectDeparture(
      byteCount: plaintext.count + recordCount * Self.recordOverheadByteCount)
    return plaintext.withUnsafeBytes { bytes in
      var total = 0
      while total < bytes.count, case .established = state {
        if recordsUnderKey >= profile.maximumRecordsPerKey { updateKey() }
        let next = bytes[total...].prefix(Self.maximumRecordByteCount)
        let count = write(UnsafeRawBufferPointer(rebasing: next))
        guard count > 0 else { break }
        total += count
      }
      return total
    }
  }

  /// Ciphertext waiting to be taken. Whoever writes bounds it, by writing no more than was sent.
  package var outputByteCount: Int { buffers.departingByteCount }

  /// All ciphertext to be sent.
  package func takeCiphertext() -> [UInt8] { buffers.takeDeparting() }

  /// Encrypts what is written from now on under a new key. Comes by itself every 2^20 records; the
  /// owner asks for it once an hour.
  package func rekey() { recordsUnderKey = profile.maximumRecordsPerKey }

  /// Sends close_notify, if there is a session to close. Plaintext not yet read is given up.
  package func close() {
    switch state {
    case .failed, .closed: return
    case .handshaking: break
    case .established:
      ERR_clear_error()
      _ = SSL_shutdown(session)
      ERR_clear_error()
    }
    state = .closed
  }

  /// Verifies the peer's chain again, since a session outlives certificates and revocation lists:
  /// to be called every 60 s and whenever `context` is replaced.
  /// - Parameter context: the present one, which may be newer than the session's.
  /// - Returns: why the session must end; nil to go on. The session itself is left as it is.
  package func reverify(at unixSeconds: Int64, against context: TLSContext) -> TLSFailure? {
    switch state {
    case .handshaking, .closed: return nil
    case .failed(let failure): return failure
    case .established:
      guard let leaf = SSL_get0_peer_certificate(session) else { return .noCertificate }
      return context.verify(
        leaf, chain: SSL_get_peer_cert_chain(session), purpose: role.peerPurpose, at: unixSeconds)
    }
  }

  // MARK: One OpenSSL call each: clear the queue, call, ask for the error, drain the queue.

  private func advanceHandshake() {
    ERR_clear_error()
    let status = SSL_do_handshake(session)
    if status == 1 {
      state = establishedState()
    } else {
      settle(status)
    }
  }

  private func read(into target: UnsafeMutableRawPointer?, _ capacity: Int) -> Int {
    var count = 0
    forgetErrors()
    let status = SSL_read_ex(session, target, capacity, &count)
    guard status == 1 else {
      settle(status)
      return 0
    }
    return count
  }

  private func write(_ bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    forgetErrors()
    let status = SSL_write_ex(session, bytes.baseAddress, bytes.count, &count)
    guard status == 1 else {
      settle(status)
      return 0
    }
    recordsUnderKey += 1
    return count
  }

  /// OpenSSL refuses while a message of the peer is half received; then the next write asks again.
  private func updateKey() {
    ERR_clear_error()
    if SSL_key_update(session, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 { recordsUnderKey = 0 }
    ERR_clear_error()
  }

  /// Errors of others on this thread. To clear the queue costs more than to look into it, and this
  /// is done for each record.
  private func forgetErrors() { if ERR_peek_error() != 0 { ERR_clear_error() } }

  private func settle(_ status: CInt) {
    switch SSL_get_error(session, status) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: ERR_clear_error()
    case SSL_ERROR_ZERO_RETURN: state = .closed
    default: fail()
    }
  }

  /// From here on the session sees no further call but its release.
  private func fail() {
    state = .failed(.drained(verifyResult: SSL_get_verify_result(session)))
  }

  /// The server's callback refuses other protocols, but is not asked when the client names none;
  /// and a server that chose none is no peer of ours.
  private func establishedState() -> State {
    if let required = profile.applicationProtocol {
      var name: UnsafePointer<UInt8>?
      var count: CUnsignedInt = 0
      SSL_get0_alpn_selected(session, &name, &count)
      guard UnsafeBufferPointer(start: name, count: Int(count)).elementsEqual(required) else {
        return .failed(.noApplicationProtocol)
      }
    }
    guard let leaf = SSL_get0_peer_certificate(session) else { return .failed(.noCertificate) }
    if let failure = TLSFailure(verifyResult: SSL_get_verify_result(session)) {
      return .failed(failure)
    }
    guard let peer = PeerIdentity(leaf) else { return .failed(.badIdentity) }
    return .established(peer)
  }
}

/// Who is at the other end, by its certificate. Whether the registry knows site and pin is the
/// link's check.
package struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
  package let site: SiteID
  /// SHA-256 of the SubjectPublicKeyInfo.
  package let pin: Digest
  /// UNIX seconds.
  package let notAfter: Int64
  /// The certificate in DER.
  package let certificate: [UInt8]

  package var description: String { "\(site) with pin \(pin)" }

  fileprivate init?(_ leaf: OpaquePointer) {
    guard let info = try? CertificateInfo(leaf), let site = info.site,
      let certificate = try? derBytes({ i2d_X509(leaf, $0) })
    else { return nil }
    self.site = site
    pin = info.pin
    notAfter = info.validity.notAfter
    self.certificate = certificate
  }
}
