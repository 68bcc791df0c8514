import Replication
import Testing

@testable import Cryptography

@Suite struct TLSConnectionTests {
  @Test func bothEndsLearnWhoTheOtherIs() throws {
    let lab = try Lab()
    let (client, server) = (try lab.end("ha-giang"), try lab.end("trung-uong"))
    let wire = try Wire(client: client, server: server)
    wire.settle()
    let seen = try #require(wire.server.state.peer)
    #expect(seen.site == SiteID("ha-giang"))
    #expect(seen.pin == pin(ofPublicKeyInfo: client.key.publicKeyInfo))
    #expect(seen.notAfter == Lab.validity.notAfter)
    #expect(wire.client.state.peer?.site == SiteID("trung-uong"))
    let info = try CertificateInfo(pem: client.certificatePEM)
    #expect(info.validity == Lab.validity)
    #expect(info.site == SiteID("ha-giang"))
    #expect(info.pin == seen.pin)
    #expect(info.serial.count == 16)
  }

  @Test func bytesMayComeOneAtATime() throws {
    let lab = try Lab()
    var wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.pieceByteCount = 1
    wire.settle()
    #expect(wire.client.state.peer != nil)
    let text = Array("chỉ thị".utf8)
    #expect(wire.client.write(text.span) == text.count)
    wire.turn()
    var received: [UInt8] = []
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: 3) == 3)
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: 100) == text.count - 3)
    #expect(received == text)
    #expect(wire.server.state.peer != nil)
  }

  /// Two records a key: 35 key updates each way, none of them seen by the readers.
  @Test(arguments: [1 << 20, 2]) func aMebibyteEachWay(recordsPerKey: Int) throws {
    let lab = try Lab()
    var (client, server) = (try lab.end("ha-giang"), try lab.end("trung-uong"))
    client.profile.maximumRecordsPerKey = recordsPerKey
    server.profile.maximumRecordsPerKey = recordsPerKey
    let wire = try Wire(client: client, server: server)
    wire.settle()
    let content = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    for (sender, receiver) in [(wire.client, wire.server), (wire.server, wire.client)] {
      var received: [UInt8] = []
      var sent = 0
      while sent < content.count {
        let next = content.span.extracting(sent..<min(sent + 100_000, content.count))
        let taken = sender.write(next)
        try #require(taken > 0, "\(sender.state)")
        sent += taken
        wire.carry(from: sender, to: receiver)
        while receiver.readPlaintext(appendingTo: &received, limit: 50_000) > 0 {}
      }
      #expect(isSame(received, content))
    }
  }

  @Test func noTicketFollowsTheHandshake() throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.carry(from: wire.client, to: wire.server)
    wire.carry(from: wire.server, to: wire.client)
    wire.carry(from: wire.client, to: wire.server)
    #expect(wire.server.state.peer != nil)
    #expect(wire.server.outputByteCount == 0)
  }

  @Test func inputIsBoundedUntilItIsRead() throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.settle()
    let free = wire.server.inputCapacity
    #expect(free == TLSConnection.maximumInputByteCount)
    #expect(wire.client.write([UInt8](repeating: 1, count: 40_000).span) == 40_000)
    let moved = wire.carry(from: wire.client, to: wire.server)
    #expect(wire.server.inputCapacity == free - moved)
    var received: [UInt8] = []
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: 0) == 0)
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: .max) == 40_000)
    #expect(wire.server.inputCapacity == free)
  }

  @Test func rekeyIsNotSeenByTheReader() throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.settle()
    var received: [UInt8] = []
    for round in UInt8(0)..<3 {
      wire.client.rekey()
      #expect(wire.client.write([round].span) == 1)
      wire.turn()
      #expect(wire.server.readPlaintext(appendingTo: &received, limit: 10) == 1)
    }
    #expect(received == [0, 1, 2])
  }

  /// A key update is a record of its own before the data.
  @Test func keyChangesAfterItsRecords() throws {
    let lab = try Lab()
    var client = try lab.end("ha-giang")
    client.profile.maximumRecordsPerKey = 2
    let wire = try Wire(client: client, server: lab.end("trung-uong"))
    wire.settle()
    let sizes = (0..<5).map { _ in
      _ = wire.client.write([1].span)
      return wire.carry(from: wire.client, to: wire.server)
    }
    let plain = sizes[0]
    #expect(sizes.map { $0 > plain } == [false, false, true, false, true])
    wire.client.rekey()
    _ = wire.client.write([1].span)
    #expect(wire.client.outputByteCount > plain)
  }

  @Test func endWithoutCloseIsTruncation() throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.settle()
    #expect(wire.client.write([7].span) == 1)
    wire.turn()
    wire.server.inputEnded()
    var received: [UInt8] = []
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: 10) == 1)
    #expect(wire.server.state.failure == .truncated)
    #expect(received == [7])

    let unfinished = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    unfinished.carry(from: unfinished.client, to: unfinished.server)
    unfinished.server.inputEnded()
    #expect(unfinished.server.state.failure == .truncated)
  }

  @Test func oneFlippedBitEndsTheSession() throws {
    let lab = try Lab()
    let (client, server) = (try lab.end("ha-giang"), try lab.end("trung-uong"))
    for position in [5, 20, 40] {
      let wire = try Wire(client: client, server: server)
      wire.settle()
      #expect(wire.client.write([UInt8](repeating: 7, count: 30).span) == 30)
      var record = wire.client.takeCiphertext()
      record[position] ^= 1
      wire.server.receive(record[...])
      var received: [UInt8] = []
      #expect(wire.server.readPlaintext(appendingTo: &received, limit: 100) == 0)
      #expect(wire.server.state.failure?.reason == "tls-other")
    }
  }

  /// Kills: bytes lost, doubled or moved where more comes while a part is read.
  @Test func whatIsReadInPartsWhileMoreComesKeepsItsOrder() throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.settle()
    let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    var received: [UInt8] = []
    for start in stride(from: 0, to: sent.count, by: 20_000) {
      #expect(wire.client.write(sent.span.extracting(start..<start + 20_000)) == 20_000)
      wire.carry(from: wire.client, to: wire.server)
      #expect(wire.server.readPlaintext(appendingTo: &received, limit: 17_000) == 17_000)
    }
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: sent.count) == 30_000)
    #expect(isSame(received, sent))
    #expect(wire.server.inputCapacity == TLSConnection.maximumInputByteCount)
  }

  @Test func closeIsSeenAsClose() throws {
    let lab = try Lab()
    let wire = try Wire(client: lab.end("ha-giang"), server: lab.end("trung-uong"))
    wire.settle()
    #expect(wire.client.write([7].span) == 1)
    wire.client.close()
    wire.turn()
    wire.server.inputEnded()
    var received: [UInt8] = []
    #expect(wire.server.readPlaintext(appendingTo: &received, limit: 10) == 1)
    #expect(wire.server.state == .closed)
    #expect(wire.client.state == .closed)
    #expect(wire.client.write([8].span) == 0)
  }

  @Test func handshakeInputIsBounded() throws {
    let lab = try Lab()
    let server = try TLSConnection(context: lab.end("trung-uong").context(), role: .server)
    // A client hello of 128 KiB, which OpenSSL alone would collect to its end.
    let header: [UInt8] = [22, 3, 1, 0x3F, 0xFF, 1, 1, 0xFF, 0xFF]
    let record = header + [UInt8](repeating: 0, count: 0x3FFF - 4)
    for _ in 0..<5 where server.state == .handshaking { server.receive(record[...]) }
    #expect(server.state.failure == .handshakeTooLong)
  }

  @Test func noiseFailsWithoutHarm() throws {
    let lab = try Lab()
    let server = try TLSConnection(context: lab.end("trung-uong").context(), role: .server)
    server.receive(Array("GET / HTTP/1.1\r\n\r\n".utf8)[...])
    guard case .other = try #require(server.state.failure) else {
      Issue.record("\(server.state)")
      return
    }
    server.receive([1, 2, 3])
    server.close()
    #expect(server.state.failure != nil)
  }

  @Test func liveSessionIsJudgedAgain() throws {
    var lab = try Lab()
    let client = try lab.end("ha-giang")
    let wire = try Wire(client: client, server: lab.end("trung-uong"))
    wire.settle()
    let same = try lab.end("trung-uong").context()
    #expect(wire.server.reverify(at: Lab.now, against: same) == nil)
    #expect(wire.client.reverify(at: Lab.now, against: same) == nil)
    #expect(wire.server.reverify(at: Lab.validity.notAfter + 1, against: same) == .expired)
    let other = try Lab().end("trung-uong").context()
    #expect(wire.server.reverify(at: Lab.now, against: other) == .unknownAuthority)
    let serial = try CertificateInfo(pem: client.certificatePEM).serial
    lab.revocationList = try lab.authority.revocationList(
      serials: [serial], number: 2, validity: Lab.validity)
    let newer = try lab.end("trung-uong").context()
    #expect(wire.server.reverify(at: Lab.now, against: newer) == .revoked)
    #expect(wire.server.state.peer != nil)
  }

  @Test func contextNamesWhatIsWrongWithItsFiles() throws {
    let lab = try Lab()
    let end = try lab.end("ha-giang")
    #expect(throws: CryptographyError.keyMismatch) {
      _ = try TLSContext(
        chainPEM: end.certificatePEM, key: .generate(), authorityPEM: end.authorityPEM)
    }
    #expect(throws: CryptographyError.unreadable("link authority certificate")) {
      _ = try TLSContext(chainPEM: end.certificatePEM, key: end.key, authorityPEM: [])
    }
    #expect(throws: CryptographyError.unreadable("link certificate")) {
      _ = try TLSContext(
        chainPEM: end.certificatePEM + Array("-----BEGIN CERTIFICATE-----\nMII".utf8),
        key: end.key, authorityPEM: end.authorityPEM)
    }
    #expect(throws: CryptographyError.unreadable("revocation list")) {
      _ = try TLSContext(
        chainPEM: end.certificatePEM, key: end.key, authorityPEM: end.authorityPEM,
        revocationListPEM: end.certificatePEM)
    }
    #expect(throws: CryptographyError.tooManyCertificates(limit: 8)) {
      _ = try TLSContext(
        chainPEM: end.certificatePEM, key: end.key,
        authorityPEM: Array(repeatElement(end.authorityPEM, count: 9).joined()))
    }
  }

  /// `==` behind a name: of two arrays that differ `#expect` looks for the smallest difference, and
  /// of a mebibyte it finds no end.
  private func isSame(_ one: [UInt8], _ other: [UInt8]) -> Bool { one == other }
}
