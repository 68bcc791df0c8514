import Operations
import Replication
import Testing

@testable import Cryptography
@testable import Transport

/// What the far end of a link brings: a test changes one thing to make it wrong.
struct LinkIdentity {
  var certificatePEM: [UInt8]
  var key: SigningKey
  var authorityPEM: [UInt8]
  var revocationPEM: [UInt8]?
  var profile = LinkProfile()

  /// The identity that the lab made for a site.
  init(of site: String, in lab: Lab) throws {
    certificatePEM = try Disk.read("\(lab.path)/\(site)/link.crt")
    key = try SigningKey(pem: Disk.read("\(lab.path)/\(site)/link.key"))
    authorityPEM = try Disk.read("\(lab.path)/\(site)/link-ca.crt")
    revocationPEM = try Disk.read("\(lab.path)/\(site)/link-ca.crl")
  }

  /// A certificate with a new key, from the lab's link authority or from `authority`.
  init(
    issuedFor site: String, in lab: Lab, by authority: CertificateAuthority? = nil,
    validity: Validity = .ofATest
  ) throws {
    let own = try Self.linkAuthority(of: lab)
    key = try SigningKey.generate()
    certificatePEM = try (authority ?? own).issue(
      for: try #require(SiteID(site)), publicKeyInfo: key.publicKeyInfo, validity: validity)
    authorityPEM = own.certificatePEM
    revocationPEM = nil
  }

  private static func linkAuthority(of lab: Lab) throws -> CertificateAuthority {
    try CertificateAuthority(
      certificatePEM: Disk.read("\(lab.path)/authority/link-ca.crt"),
      key: SigningKey(pem: Disk.read("\(lab.path)/authority/link-ca.key")))
  }

  /// Gives a site another certificate for its key.
  static func renew(_ site: String, in lab: Lab, validity: Validity) throws {
    let key = try LinkIdentity(of: site, in: lab).key
    let certificate = try linkAuthority(of: lab).issue(
      for: try #require(SiteID(site)), publicKeyInfo: key.publicKeyInfo, validity: validity)
    try Disk.write("\(lab.path)/\(site)/link.crt", certificate)
  }
}

extension Validity {
  /// An hour around this moment.
  static let ofATest = around(seconds: 0)

  /// An hour around a moment that is `seconds` from now.
  static func around(seconds: Int64) -> Validity {
    let middle = Int64(WallClock.now().microseconds / 1_000_000) + seconds
    return Validity(notBefore: middle - 1_800, notAfter: middle + 1_800)
  }
}

/// A peer of the centre that says what a test wants: TLS and frames are ours, the rest is the
/// test's. Everything blocks.
final class LinkClient {
  let site: SiteID
  let nonce: Bytes16
  /// What the centre said of itself; nil until the HELLOs are exchanged.
  private(set) var centreHello: Hello?
  /// What became of the entries sent, as far as they were not simply applied.
  private(set) var outcomes: [Outcome] = []
  /// The end of this client's log.
  var lastLSN: UInt64 = 0
  private let socket: RawSocket
  private let tls: TLSConnection
  private let sealing: CheckpointKey
  private var assembler = FrameAssembler()

  /// Dials the centre and shakes hands as far as it goes.
  init(_ identity: LinkIdentity, as site: String, in lab: Lab) throws {
    self.site = try #require(SiteID(site))
    // One process, however often it dials: a second connection replaces the first.
    nonce = Bytes16(high: 1, low: 1)
    sealing = try CheckpointKey(derivingFrom: identity.key)
    let place = try #require(try lab.configuration(of: Lab.centre).link.listen.first)
    socket = try RawSocket(try #require(SocketAddress(numeric: place.host, port: place.port)))
    let context = try TLSContext(
      chainPEM: identity.certificatePEM, key: identity.key, authorityPEM: identity.authorityPEM,
      revocationListPEM: identity.revocationPEM, profile: identity.profile)
    tls = try TLSConnection(context: context, role: .client)
    try flush()
    while case .handshaking = tls.state, try fill() {}
  }

  /// Shakes hands: returns once both HELLO_OKs are exchanged.
  func open(version: ProtocolVersion = 1) throws {
    var hello = hello()
    hello.protocolMaximum = version
    try send(.hello(hello))
    guard case .hello(let centre)? = try receive() else {
      try #require(Bool(false), "no HELLO")
      return
    }
    centreHello = centre
    try send(
      .helloOK(
        HelloOK(
          version: version, nonce: centre.nonce, resume: centre.received.map { _ in .start },
          outcomeCursor: 0)))
    guard case .helloOK? = try receive() else {
      try #require(Bool(false), "no HELLO_OK")
      return
    }
  }

  /// A HELLO of a site whose log is empty; tests change what they like.
  func hello() -> Hello {
    Hello(
      protocolMinimum: 1, protocolMaximum: 1, site: site,
      incarnation: Incarnation(Bytes16(high: 7, low: 7)), nonce: nonce, logEnd: .start,
      witness: .start, received: PerLane(both: CheckpointHistory()), outcomeCursor: 0,
      registry: .builtIn, isRecovering: false, software: "test")
  }

  /// A checkpoint of this client's own log.
  func checkpoint(_ lsn: UInt64) -> Checkpoint {
    Checkpoint(
      of: site, incarnation: Incarnation(Bytes16(high: 7, low: 7)), lsn: LSN(lsn), head: .zero,
      sealing: sealing)
  }

  func send(_ message: Message) throws { try send(bytes: message.frame.bytes) }

  /// Sends bytes as they are inside TLS.
  func send(bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let taken = tls.write(bytes.span.extracting(offset..<bytes.count))
      try #require(taken > 0, "TLS takes nothing")
      offset += taken
    }
    try flush()
  }

  /// The next message, uncompressed ones only; nil at the end of the connection.
  func receive() throws -> Message? {
    while true {
      if let frame = try assembler.next(limit: FrameHeader.maximumFrameByteCount) {
        let plain =
          frame.header.isCompressed
          ? try FrameCompressor().decompress(
            frame.payload, declaredByteCount: frame.header.plainByteCount,
            limit: FrameHeader.maximumFrameByteCount) : frame.payload
        return try Message.decode(frame.header, plain, hashing: OpenSSLHash())
      }
      var plaintext: [UInt8] = []
      if tls.readPlaintext(appendingTo: &plaintext, limit: 64 << 10) > 0 {
        assembler.append(plaintext)
      } else if try !fill() {
        return nil
      }
    }
  }

  /// Reads to the end of the connection.
  /// - Returns: the reason the centre gave in REFUSE; nil when it gave none.
  func refusal() throws -> RefusalCode? {
    var found: RefusalCode?
    while let message = try receive() {
      if case .refuse(let refuse) = message { found = refuse.code }
    }
    return found
  }

  /// Reads to the next FILE; nil at the end of the connection.
  func file() throws -> FileMessage? {
    while let message = try receive() {
      if case .file(let file) = message { return file }
    }
    return nil
  }

  /// Reads until the centre has acknowledged `lsn` in the normal lane and told its outcomes.
  func awaitAcknowledgement(_ lsn: UInt64) throws {
    while let message = try receive() {
      guard case .acknowledge(let answer) = message, answer.lane == .normal else { continue }
      outcomes += answer.outcomes
      if !answer.outcomes.isEmpty { try acknowledgeOutcomes() }
      if answer.checkpoint.lsn >= LSN(lsn), outcomes.count >= answer.outcomesEnd { return }
    }
    try #require(Bool(false), "no ACK of \(lsn)")
  }

  /// The next outcomes come when these are durable here.
  private func acknowledgeOutcomes() throws {
    try send(
      .acknowledge(
        Acknowledgement(
          lane: .normal, checkpoint: .start, credit: .zero,
          outcomeCursor: UInt64(outcomes.count), outcomesEnd: 0, pingToken: 0,
          logEnd: checkpoint(lastLSN))))
  }

  private func flush() throws {
    let bytes = tls.takeCiphertext()
    if !bytes.isEmpty { try socket.write(bytes) }
  }

  /// - Returns: false at the end of the connection.
  private func fill() throws -> Bool {
    switch tls.state {
    case .failed, .closed: return false
    case .handshaking, .established: break
    }
    let bytes = try socket.read()
    guard !bytes.isEmpty else { return false }
    tls.receive(bytes[...])
    try flush()
    return true
  }
}
