import Replication
import Testing

@testable import Cryptography
@testable import Transport

extension DaemonTests {
  /// A registered province that has been taken over: its certificate is good, its frames are not.
  @Suite struct FrameTests {
    struct Breach: CustomTestStringConvertible, Sendable {
      let testDescription: String
      /// Whether the HELLOs are exchanged first.
      let isUp: Bool
      let bytes: @Sendable (LinkClient) throws -> [UInt8]

      init(
        _ name: String, isUp: Bool = true,
        _ bytes: @escaping @Sendable (LinkClient) throws -> [UInt8]
      ) {
        (testDescription, self.isUp, self.bytes) = (name, isUp, bytes)
      }
    }

    /// Each ends the connection.
    static let breaches: [Breach] = [
      Breach("unknown type") { _ in [0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0] },
      Breach("unknown lane") { _ in [0, 0, 0, 0, 4, 9, 0, 0, 0, 0, 0, 0] },
      Breach("longer than a frame may be") { _ in [0xFF, 0, 0, 0, 4, 0, 0, 0, 0xFF, 0, 0, 0] },
      Breach("shorter than its content") { client in
        let whole = Message.entries(
          EntriesMessage(
            lane: .normal, previousLSN: .start, entries: [], checkpoint: client.checkpoint(1)))
        let cut = Array(whole.frame.payload.dropLast(5))
        return Frame(
          header: FrameHeader(type: .entries, lane: .normal, payloadByteCount: cut.count),
          payload: cut
        ).bytes
      },
      Breach("decompression bomb") { _ in
        let plain = FrameHeader.maximumFrameByteCount - FrameHeader.byteCount
        return bomb(of: plain, declaring: plain)
      },
      Breach("more than it declares") { _ in bomb(of: 200_000, declaring: 3_000) },
      Breach("ENTRIES before HELLO", isUp: false) { client in
        Message.entries(
          EntriesMessage(
            lane: .normal, previousLSN: .start, entries: [], checkpoint: client.checkpoint(1))
        ).frame.bytes
      },
      Breach("ENTRIES that leave a gap") { client in
        Message.entries(
          EntriesMessage(
            lane: .normal, previousLSN: LSN(5), entries: [], checkpoint: client.checkpoint(6))
        ).frame.bytes
      },
    ]

    /// A frame whose payload is `count` zeros as zstd repeats a byte: 4 bytes for each 128 KiB
    /// (RFC 8878 section 3.1.1). Our own compressor makes nothing of that ratio.
    private static func bomb(of count: Int, declaring plain: Int) -> [UInt8] {
      var payload: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xA0]
      payload += littleEndian(count, byteCount: 4)
      var rest = count
      while rest > 0 {
        let size = min(rest, 128 << 10)
        rest -= size
        payload += littleEndian(size << 3 | 1 << 1 | (rest == 0 ? 1 : 0), byteCount: 3) + [0]
      }
      let header = FrameHeader(
        type: .entries, lane: .normal, compressedByteCount: payload.count, plainByteCount: plain)
      return Frame(header: header, payload: payload).bytes
    }

    private static func littleEndian(_ value: Int, byteCount: Int) -> [UInt8] {
      (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    @Test func breachesOfTheProtocolEndTheConnectionAndStoreNothing() throws {
      let lab = try Self.labWithCentre()
      let identity = try LinkIdentity(of: "lang-son", in: lab)
      let before = try lab.api(Lab.centre).get("digest", "peer", "lang-son")
      for (index, breach) in Self.breaches.enumerated() {
        let client = try LinkClient(identity, as: "lang-son", in: lab)
        if breach.isUp { try client.open() }
        try client.send(bytes: try breach.bytes(client))
        #expect(try client.refusal() == .protocolViolation, "\(breach.testDescription)")
        let count = try lab.refusedConnections(Lab.centre, "hello-protocol-violation")
        #expect(count == Double(index + 1), "\(breach.testDescription)")
      }
      let after = try lab.api(Lab.centre).get("digest", "peer", "lang-son")
      #expect(after.json == before.json)
    }

    @Test func forgedAndSecretEntriesAreRefusedAndLeaveNoTrace() throws {
      let lab = try Self.labWithCentre()
      let canary = "CHIM-HOANG-YEN"
      let client = try LinkClient(
        try LinkIdentity(of: "lang-son", in: lab), as: "lang-son", in: lab)
      try client.open()
      let forged = try client.voucher(1, description: canary) { header in
        header.identity = EntryIdentity(
          origin: SiteID("nghe-an") ?? header.identity.origin,
          incarnation: header.identity.incarnation, sequence: SequenceNumber(1))
      }
      let secret = try client.voucher(2, description: canary) { $0.secrecy = .mat }
      let honest = try client.voucher(3, description: "Chi tiền mặt")
      // Under an identity that is known already.
      let secretAgain = try client.voucher(4, description: canary) { header in
        header.identity = honest.identity
        header.secrecy = .mat
      }
      let fork = try client.voucher(5, description: "khác") { $0.identity = honest.identity }
      for entry in [forged, secret, honest, secretAgain, fork] { try client.write(entry) }
      #expect(client.outcomes.map(\.code) == [.foreignOrigin, .secrecy, .secrecy, .identityFork])
      #expect(client.outcomes.map(\.state) == [.refused, .refused, .refused, .conflict])
      #expect(try lab.refusedEntries(Lab.centre, "foreign-origin") == 1)
      #expect(try lab.refusedEntries(Lab.centre, "secrecy") == 2)
      #expect(lab.logs(Lab.centre, "event=entry.identity-fork", "lang-son"))
      let api = lab.api(Lab.centre)
      for (number, status) in [(1, 404), (2, 404), (3, 200), (4, 404), (5, 404)] {
        let record = try api.get("records/finance/\(Samples.id(number))")
        #expect(record.status == status, "\(number)")
      }

      // As files lie on disk while it runs, and after it has stopped.
      #expect(try !lab.keeps(canary, at: Lab.centre))
      #expect(try lab.stop(Lab.centre) == 0)
      #expect(try !lab.keeps(canary, at: Lab.centre))
      #expect(try lab.keeps(Samples.unitName, at: Lab.centre), "the search finds what is there")
    }

    private static func labWithCentre() throws -> Lab {
      let lab = try Lab("lang-son", "nghe-an")
      try lab.start(Lab.centre)
      try eventually("the centre has a registry") {
        try lab.api(Lab.centre).get("registry").integer("revision") == 1
      }
      return lab
    }
  }
}

extension LinkClient {
  /// Sends one entry as the next row and waits until the centre has decided.
  fileprivate func write(_ entry: Entry) throws {
    let previous = lastLSN
    lastLSN += 1
    try send(
      .entries(
        EntriesMessage(
          lane: .normal, previousLSN: LSN(previous), entries: [entry],
          checkpoint: checkpoint(lastLSN))))
    try awaitAcknowledgement(lastLSN)
  }

  /// An entry as lang-son would write it, but for what `change` makes of its header.
  fileprivate func voucher(
    _ number: Int, description: String, change: (inout EntryHeader) -> Void = { _ in }
  ) throws -> Entry {
    let submission = try Submission.read(
      kind: .finance, operation: .put,
      json: JSONValue.object(Samples.voucher(number, description: description)).canonicalBytes)
    var header = EntryHeader(
      identity: EntryIdentity(
        origin: site, incarnation: checkpoint(1).incarnation,
        sequence: SequenceNumber(UInt64(number))),
      time: HybridTime(microseconds: WallClock.now().microseconds, counter: 0), operation: .put,
      record: submission.record, subject: submission.subject, parents: [], depth: Depth(1),
      registry: try #require(centreHello).registry, lane: .normal, secrecy: .none,
      audience: submission.facts.audience)
    change(&header)
    return Entry(authoring: header, body: submission.body, hashing: OpenSSLHash())
  }
}
