import Replication
import Transport

/// Catch-up of documents whose signatures the registry requires, until the receiver has found every
/// one valid: its verifier follows the log behind the writer, so the last acknowledgement is not
/// the end. Held against what OpenSSL's own measurement says so many verifications allow.
///
/// Of a document's CPU time, by `perf` at 5bca83b, some 380 microseconds at both ends: OpenSSL 95,
/// the rest of verifying 78, the receiver's writer 104 (3 entries, a receipt, 2 verdicts), its
/// other threads 66, the sender 85 (half of it the receipt that comes back). 14e914f took a third
/// of the verifier's 78. What would remove more: receipts that are placed without their record's
/// bodies (20-25), readings handed on with the entries (8), verdicts many to a statement (4). Given
/// up: tables of multiples for each signer's key (30), which need an equation of our own in place
/// of OpenSSL's verification.
enum SignaturesRun {
  /// Unless the caller says how many. 2,000 are through in a third of a second, of which the link's
  /// start is a good part; with these it is a twentieth.
  static let documentCount = 16_000
  /// Changes without a signature in whose time one document is verified at the slowest.
  private static let patience = 100

  static func figures(documentCount: Int, seed: UInt64) throws(BenchFailure) -> Figures {
    let lab = try Laboratory.create(Laboratory.Plan(signatures: .require))
    Terminal.note("lab: \(lab.directory)")
    try lab.introduce()
    Terminal.note("signing and loading \(documentCount) documents")
    let streams = try streams(documentCount, in: lab, seed: seed)
    // The log keeps each stream's order, and the verifier the log's: of each the last is enough.
    let last = streams.compactMap(\.last?.record)
    // The sender is done with its own: in the catch-up only the receiver verifies.
    let loaded = try ReplicateRun.load(streams, into: lab) { () throws(BenchFailure) in
      try waitUntilVerified(last, at: lab.province, documentCount)
    }
    Terminal.note("replicating")
    let caughtUp = try ReplicateRun.catchUp(lab, loaded) { () throws(BenchFailure) in
      try waitUntilVerified(last, at: lab.centre, documentCount)
    }
    try lab.remove()

    let verifications = try OpenSSLSpeed.verificationsPerSecond()
    var figures = Figures()
    let changes = caughtUp.number("changesPerSecond") ?? 0
    figures.add(
      "documentsPerSecond", changes / Double(SignedDocuments.changesPerDocument), decimals: 1)
    figures.add("verificationsPerSecond", verifications, decimals: 1)
    figures.add(
      "allowedDocumentsPerSecond", verifications / Double(SignedDocuments.roles.count),
      decimals: 1)
    figures.add(caughtUp)
    return figures
  }

  private static func streams(
    _ documentCount: Int, in lab: Laboratory, seed: UInt64
  ) throws(BenchFailure) -> [[WorkloadChange]] {
    var documents = try SignedDocuments(
      signersOf: "\(lab.sites)/\(Workload.owner)", seed: seed)
    var streams: [[WorkloadChange]] = []
    for share in Loader.split(documentCount) {
      var stream: [WorkloadChange] = []
      for _ in 0..<share { stream += try documents.next() }
      streams.append(stream)
    }
    return streams
  }

  private static func waitUntilVerified(
    _ records: [RecordKey], at site: Laboratory.Site, _ documentCount: Int
  ) throws(BenchFailure) {
    let admin = site.admin
    for record in records {
      try Laboratory.wait(
        "\(record.id) is not verified; see \(site.log)", changes: documentCount * patience
      ) { () throws(BenchFailure) in try isVerified(record, at: admin) }
    }
  }

  /// Whether the site has found every signature valid that the registry requires of the document.
  private static func isVerified(
    _ record: RecordKey, at admin: AdminSite
  ) throws(BenchFailure) -> Bool {
    let path = ["records", record.kind.description, record.id.description]
    let response = try admin.send(.get, path)
    guard response.status.code == 200, let shown = AdminSite.object(response),
      let state = shown["signatureState"]?.object,
      state["policy"] == .text(SignaturePolicy.Mode.require.rawValue)
    else { throw AdminSite.unexpected(response, path) }
    return state["value"] == .text("original")
  }
}
