import Storage
import Testing

@testable import Replication

/// Who may have a file or an entry by its digest.
@Suite struct ContentRightsTests {
  private let centre = TestNetwork.centre
  private let a = TestNetwork.provinces[0]
  private let b = TestNetwork.provinces[1]
  private let c = TestNetwork.provinces[2]
  private let file = Digest(Bytes32(7, 7, 7, 7))

  /// A document of `a` to `b` that names the file, as the centre holds it.
  private func held() throws -> (network: TestNetwork, document: JSONObject, entry: Entry) {
    var network = try TestNetwork(seed: 31)
    var document = network.document(from: a, to: [b])
    document["attachments"] = .array([
      .object([
        "contentId": network.newID(), "attachmentName": .string("tep.pdf"),
        "contentType": .string("application/pdf"), "sizeBytes": .integer(300),
        "digest": .string(Text("sha-256:\(file)")),
      ])
    ])
    try network.put(a, .document, document)
    try network.settle()
    let entry = try #require(
      try network.centre.store.entries(of: document.record).first { $0.origin == a })
    return (network, document, entry)
  }

  private func may(_ wanted: Wanted, _ network: TestNetwork) throws -> [SiteID] {
    try [centre, a, b, c].filter {
      try mayHave(wanted, $0, centre: centre, in: network.centre.store)
    }
  }

  @Test func aFileGoesWhereARecordGoesThatNamesIt() throws {
    var (network, document, _) = try held()
    #expect(try may(.file(file), network) == [centre, a, b])
    #expect(try may(.file(Digest(Bytes32(8, 8, 8, 8))), network) == [])
    // A late addressee comes in with the event that names it.
    try network.append(a, to: document.record, TestNetwork.addressed([c]))
    try network.settle()
    #expect(try may(.file(file), network) == [centre, a, b, c])
  }

  @Test func anEntryGoesToWhomItIsFor() throws {
    let (network, _, entry) = try held()
    #expect(try may(.entry(entry.digest), network) == [centre, a, b])
    #expect(try may(.entry(Digest(Bytes32(8, 8, 8, 8))), network) == [])
  }

  @Test func aLeadNamesTheAuthorAndWhomTheRecordIsFor() throws {
    let (network, _, _) = try held()
    let files = try network.centre.store.pendingFiles(after: nil, limit: 9)
    #expect(files == [FileReference(digest: file, size: 300)])
    let lead = try network.centre.store.lead(to: try #require(files.first))
    #expect(lead.wanted == .file(file) && lead.byteCount == 300 && lead.origins == [a])
    #expect(lead.holders.contains(b) && !lead.holders.contains(c))
  }

  @Test func nothingAboveTheCeilingLeaves() throws {
    let (network, _, entry) = try held()
    var header = entry.header
    header.secrecy = .mat
    header.identity = EntryIdentity(
      origin: a, incarnation: header.identity.incarnation, sequence: SequenceNumber(99))
    let secret = Entry(authoring: header, body: entry.body ?? [], hashing: TestSite.hashing)
    var store = network.centre.store
    let end = try store.logEnd()
    try store.append(
      LogRow(
        lsn: end.lsn.next, incarnation: end.incarnation, head: .zero, entry: secret.identity,
        digest: secret.digest, lane: .normal, recipients: .everyone, via: a), entry: secret)
    #expect(try !mayHave(.entry(secret.digest), b, centre: centre, in: store))
    #expect(try !mayHave(.entry(secret.digest), a, centre: centre, in: store))
  }
}
