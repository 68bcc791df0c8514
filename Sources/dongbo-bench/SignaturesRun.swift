import Replication
import Transport

/// Catch-up of documents whose signatures the registry requires, until the receiver has found every
/// one valid: its verifier follows the log behind the writer, so the last acknowledgement is not
/// the end. Held against what OpenSSL's own measurement says so many verifications allow.
///
/// Of a document's CPU time, by `perf` at 5bca83b, some 380 microseconds at both ends: OpenSSL 95,
/// the rest of verifying 78, the receiver's writer 104 (3 entries, a receipt, 2 verdicts), its
/// other threads 66, the sender 85 (half of it the receipt that comes back). 14e914f took a third
/// of the verifier's 78. At 5f1032c it was 238 in all: OpenSSL 75, the rest of verifying 26, the
/// receiver's writer 54, its other threads 25, the sender 42; and the cores were 93 % busy.
///
/// What was done since, by `perf` on a machine with much other work, in microseconds a document:
///
/// | commit | what | before | after |
/// |---|---|---|---|
/// | f932fe3 | verdicts many to a statement, their details as bytes: keeping them | 8.2 | 3.2 |
/// | f932fe3 | how far the verdicts reach is known: asking whether there is one | 1.2 | 0.0 |
/// | eb3cd45 | details made once for a signer and batch | 1.0 | 0.3 |
/// | eb3cd45 | the next stretch is read while one is judged: the threads wait for | 18.5 | 0 |
/// | 7e742dc | Base64 by place, and checked without its bytes | 2.5 | 2.3 |
///
/// All of it on a free machine, medians of three runs in turn: 242 to 231 of the CPU of both
/// daemons, and 0.62 to 0.65 of what the verifications allow (the best 0.62 and 0.68). By
/// `valgrind --tool=callgrind`, with the loading, from the difference of 1,500 and 500 documents:
/// 7.26 million instructions before, 6.62 after. 66,000 documents, as many changes as the first row
/// of the table: 249 and 0.61, since more of what is verified is read from the store. To reach 0.7
/// takes some 215, or none of the time in which a core is idle.
///
/// What is left of the reading is 15.6, of it 3.6 for the noted rows and 7 for entries: each has a
/// page of its own, read twice when the stretch is longer than the reader's cache. A shorter
/// stretch would wait oftener for the writer, a larger cache is memory, and to read the entry with
/// its note costs the records that are handed over what it spares the others. Four times as many
/// bytes handed over gave nothing that could be measured, and took up to 14 MiB: the writer is
/// thousands of documents ahead. Vectors of 16 bytes for Base64, in plain Swift, are 40 times
/// slower than the table. What would remove more: receipts that are placed without their record's
/// bodies, readings handed on with the entries (8), the receipt's summary found at its origin
/// without a page of the key index (2). Given up: tables of multiples for each signer's key (30),
/// which need an equation of our own in place of OpenSSL's verification.
enum SignaturesRun {
  /// Unless the caller says how many. 2,000 are through in a third of a second, of which the link's
  /// start is a good part; these take two seconds.
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
