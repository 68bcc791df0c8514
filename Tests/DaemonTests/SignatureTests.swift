import Cryptography
import Operations
import Replication
import Testing
import Transport

@testable import Daemon
@testable import Storage

extension DaemonTests {
  /// Signatures of records, verified where they are written and where they arrive.
  @Suite struct SignatureTests {
    private let centre = Lab.centre

    /// A signature event over the put, by a signer of the lab.
    private func signature(
      over put: JSONObject, by signer: String, of site: String, as role: String, in lab: Lab
    ) throws -> JSONObject {
      let submission = try Submission.read(
        kind: .document, operation: .put, json: JSONValue.object(put).canonicalBytes)
      let manifest = SignatureManifest(
        record: submission.record, revision: Revision(1),
        body: OpenSSLHash().digest(submission.body),
        files: submission.facts.files.map(\.digest))
      let place = "\(lab.path)/\(site)/signers/\(signer)"
      let value = try RecordSigner(
        keyPEM: try Disk.read("\(place).key"), certificatePEM: try Disk.read("\(place).crt")
      ).sign(manifest.canonicalBytes, at: WallClock.now())
      let name = OpenSSLHash().digest(value).raw
      return [
        "eventId": .string(
          Text(UniqueID(Bytes16(high: name.first, low: name.second)).description)),
        "type": .string("signature"), "signerRole": .string(Text(role)),
        "value": .string(Text(String(decoding: Base64.encode(value), as: UTF8.self))),
      ]
    }

    /// Reason of each verdict about the record at the site, by role; and the legal value.
    private func found(_ id: String, at site: String, in lab: Lab) throws -> (
      reasons: [String: String], value: String
    ) {
      let answer = try lab.api(site).get("records/document/\(id)")
      var reasons: [String: String] = [:]
      for verdict in answer.objects("signatureVerdicts") {
        let role = verdict["signerRole"]?.text?.string ?? ""
        reasons[role] = verdict["verdict"]?.object?["reason"]?.text?.string
      }
      return (reasons, answer.object("signatureState")?["value"]?.text?.string ?? "")
    }

    @Test func twoValidSignaturesMakeAnOriginalAtBothEnds() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let put = try Samples.centreDocument(1)
      let id = try #require(try lab.api(centre).put("document", put).text("recordId"))
      #expect(try found(id, at: centre, in: lab).value == "reference-only")
      for role in ["person", "organ"] {
        let event = try signature(over: put, by: role, of: centre, as: role, in: lab)
        #expect(try lab.api(centre).post("records/document/\(id)/events", event).status == 200)
      }
      for site in [centre, "lang-son"] {
        try eventually("both signatures are verified at \(site)") {
          try found(id, at: site, in: lab)
            == (["person": "valid", "organ": "valid"], "original")
        }
      }
    }

    /// A bad signature is a verdict: kept, forwarded, shown, and its author learns of it.
    @Test func aSignatureOfTheWrongOfficeCountsAsNotValid() throws {
      let lab = try Lab("lang-son")
      try lab.startAll()
      let put = try Samples.centreDocument(1)
      let id = try #require(try lab.api(centre).put("document", put).text("recordId"))
      var changed = put
      changed["subject"] = .string("Trích yếu khác")
      let events = [
        try signature(over: put, by: "person", of: "lang-son", as: "person", in: lab),
        try signature(over: changed, by: "organ", of: centre, as: "organ", in: lab),
        try signature(over: put, by: "organ", of: centre, as: "head", in: lab),
      ]
      for event in events {
        #expect(try lab.api(centre).post("records/document/\(id)/events", event).status == 200)
      }
      let expected = [
        "person": "signer-of-another-organ", "organ": "content-mismatch",
        "head": "signer-not-in-this-role",
      ]
      for site in [centre, "lang-son"] {
        try eventually("verdicts at \(site)") {
          try found(id, at: site, in: lab) == (expected, "reference-only")
        }
      }
      // The centre wrote them; the province's finding comes back to it.
      try eventually("the author learns of it") {
        try lab.api(centre).get("records/document/\(id)/why").objects("changes")
          .flatMap { ($0["sites"]?.array ?? []).compactMap(\.object) }
          .contains { $0.text("site") == "lang-son" && $0.text("code") == "signature-invalid" }
      }
      try lab.awaitEqual()
    }

    /// The store of a stopped site without anchors, with documents signed by a person and the organ;
    /// and its anchors.
    /// - Parameter roles: of the person and of the organ.
    private func signedStore(
      in lab: Lab, documentCount: Int, roles: [String] = ["person", "organ"]
    ) throws -> (OpenedStore, RecordTrust) {
      try lab.edit(centre, "AuthorityFile=record-ca.crt", to: "")
      try lab.edit(centre, "RevocationFile=record-ca.crl", to: "")
      try lab.start(centre)
      for number in 1...documentCount {
        let put = try Samples.centreDocument(number)
        let id = try #require(try lab.api(centre).put("document", put).text("recordId"))
        for (signer, role) in zip(["person", "organ"], roles) {
          let event = try signature(over: put, by: signer, of: centre, as: role, in: lab)
          #expect(try lab.api(centre).post("records/document/\(id)/events", event).status == 200)
        }
      }
      try lab.stop(centre)
      let place = "\(lab.path)/\(centre)"
      let trust = try RecordTrust(
        anchorPEM: try Disk.read("\(place)/record-ca.crt"),
        revocationListPEM: try Disk.read("\(place)/record-ca.crl"))
      let site = try lab.configuration(of: centre).site
      let store = try OpenedStore.open(
        site.dataDirectory, site: site.id, hashing: OpenSSLHash(), makeStoreID: Bytes16.random)
      return (store, trust)
    }

    private func next(_ worker: inout VerifierWorker) -> VerdictBatch? { worker.step() }

    private func isIdle(_ worker: inout VerifierWorker) -> Bool { worker.step() == nil }

    /// The verifier on the store of a stopped site, and the test in the writer's place. Kills: a
    /// cursor that passes verdicts which could not be kept; a batch read while another is under
    /// way; a busy loop on a full disk; a batch handed out after a stop.
    @Test func verdictsThatCouldNotBeKeptComeAgain() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(in: lab, documentCount: 1)
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let end = try store.writer.logEnd().lsn
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 2)
      var worker = VerifierWorker(
        reader: try store.makeReader(), pool: pool, cursor: .start, trust: trust)
      for _ in 0..<2 {
        let batch = worker.step()
        #expect(batch?.verdicts.map(\.verdict.state) == [.valid, .valid])
        #expect(batch?.cursor == end)
        #expect(isIdle(&worker))
        worker.answered(isKept: false)
        #expect(isIdle(&worker))
        worker.wake()
      }
      #expect(!isIdle(&worker))
      // A reload begins at the start, once the writer has answered.
      worker.use(trust)
      #expect(isIdle(&worker))
      worker.answered(isKept: true)
      #expect(!isIdle(&worker))
      worker.answered(isKept: true)
      #expect(isIdle(&worker))
      worker.use(trust)
      pool.stop()
      #expect(isIdle(&worker))
    }

    /// Kills: a batch ahead that is delivered before the answer, or after a batch that was not kept;
    /// one of what is less than whole; one that judges again what is under way.
    @Test func aWholeBatchIsJudgedWhileAnotherIsUnderWay() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(in: lab, documentCount: 2)
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let reader = try store.makeReader()
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 1)
      var worker = VerifierWorker(
        reader: reader, pool: pool, cursor: .start, trust: trust, batchCount: 1)
      // Of one note, with both signatures of its record; the second note adds nothing.
      let first = try #require(next(&worker))
      #expect(first.verdicts.map(\.verdict.state) == [.valid, .valid])
      worker.lookAhead()
      #expect(isIdle(&worker))
      worker.answered(isKept: false)
      worker.wake()
      #expect(next(&worker)?.verdicts.map(\.entry) == first.verdicts.map(\.entry))
      worker.lookAhead()

      var patient = VerifierWorker(
        reader: reader, pool: pool, cursor: first.cursor, trust: trust, batchCount: 3)
      #expect(next(&patient)?.verdicts.count == 4)
      patient.lookAhead()

      // No more is judged from here on.
      pool.stop()
      worker.answered(isKept: true)
      let second = try #require(next(&worker))
      #expect(second.verdicts.map(\.verdict.state) == [.valid, .valid])
      #expect(Set(second.verdicts.map(\.entry)).isDisjoint(with: first.verdicts.map(\.entry)))
      patient.answered(isKept: true)
      #expect(isIdle(&patient))
    }

    /// Kills: a stretch that is read only when the one before it has been judged; one that is judged
    /// though the writer could not keep the one before it, or under other anchors.
    @Test func theNextStretchIsReadWhileOneIsJudged() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(in: lab, documentCount: 2)
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let signed = try store.writer.signedRecords(after: .start, limit: 9)
      let (key, noted) = (try #require(signed.records.last), try #require(signed.noted.last))
      let handed = HandedRecords()
      handed.add([
        SignedRecord(key: key, noted: noted, entries: try store.writer.entries(of: key))
      ])
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 2)
      defer { pool.stop() }
      var worker = VerifierWorker(
        reader: try store.makeReader(), pool: pool, cursor: .start, trust: trust, handed: handed,
        batchCount: 2)
      let first = try #require(next(&worker)).verdicts.map(\.entry)
      #expect(handed.byteCount == 0)
      worker.answered(isKept: false)
      worker.wake()
      #expect(next(&worker)?.verdicts.map(\.entry) == first)
      worker.answered(isKept: true)
      worker.use(trust)
      #expect(next(&worker)?.verdicts.map(\.entry) == first)
      worker.answered(isKept: true)
      let second = try #require(next(&worker)).verdicts.map(\.entry)
      #expect(second.count == 2 && Set(second).isDisjoint(with: first))
    }

    /// Each note leads to both signatures of its document, and the store learns nothing here. Kills:
    /// what is read ahead and judged once more; one judged again as if it had come just now.
    @Test func whatIsReadAheadKnowsWhatWasFoundMeanwhile() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(
        in: lab, documentCount: 1, roles: ["person", "head"])
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 2)
      defer { pool.stop() }
      var worker = VerifierWorker(
        reader: try store.makeReader(), pool: pool, cursor: .start, trust: trust, batchCount: 1)
      let first = try #require(next(&worker)).verdicts
      #expect(first.map(\.verdict.state) == [.valid, .invalid])
      worker.answered(isKept: true)
      let second = try #require(next(&worker)).verdicts
      #expect(second.map(\.entry) == first.suffix(1).map(\.entry))
      #expect(second.map(\.verdict.verifiedAt) == first.suffix(1).map(\.verdict.verifiedAt))
    }

    /// Kills: an entry that cannot be read and of which nobody hears, so that nobody repairs it.
    @Test func anEntryThatCannotBeReadIsNamed() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(in: lab, documentCount: 2)
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let signed = try store.writer.signedRecords(after: .start, limit: 9)
      let key = try #require(signed.records.first)
      let entry = try #require(try store.writer.entries(of: key).first)
      try store.writer.tables.connection.execute(
        """
        UPDATE entry SET body = CAST(upper(body) AS BLOB)
          WHERE sequence = \(entry.identity.sequence.value)
        """)
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 1)
      defer { pool.stop() }
      var named: [Digest] = []
      var worker = VerifierWorker(
        reader: try store.makeReader(), pool: pool, cursor: .start, trust: trust,
        unreadable: { named.append($0) })
      for count in 1...2 {
        #expect(isIdle(&worker))
        #expect(named == Array(repeating: entry.digest, count: count))
      }
    }

    /// Kills: details of one signer shown as another's.
    @Test func detailsAreOfTheSigner() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(in: lab, documentCount: 2)
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 1)
      defer { pool.stop() }
      var worker = VerifierWorker(
        reader: try store.makeReader(), pool: pool, cursor: .start, trust: trust)
      let details = try #require(next(&worker)).verdicts.map(\.verdict.details)
      try #require(details.count == 4)
      #expect(details[0] != details[1] && details[0] == details[2] && details[1] == details[3])
      #expect(details[0].object.text("certificate") != details[1].object.text("certificate"))
      #expect(details.allSatisfy { VerdictDetails(canonicalBytes: $0.canonicalBytes) == $0 })
    }

    /// What the writer hands over is taken as the record's entries, unless more was noted since.
    /// Kills: a record that is handed over for nothing; one that hides a later signature.
    @Test func recordsThatWereHandedOverAreNotRead() throws {
      let lab = try Lab("lang-son")
      let (store, trust) = try signedStore(in: lab, documentCount: 1)
      defer { withExtendedLifetime(lab) { store.writer.close() } }
      let signed = try store.writer.signedRecords(after: .start, limit: 9)
      let (key, noted) = (try #require(signed.records.first), try #require(signed.noted.first))
      let entries = try store.writer.entries(of: key)
      #expect(signed.records.count == 1 && entries.count == 3)
      let pool = try VerifierWorker.Pool(name: "judge", threadCount: 1)
      for (place, count) in [(noted, 1), (LSN(noted.value - 1), 2)] {
        let handed = HandedRecords()
        handed.add([SignedRecord(key: key, noted: place, entries: Array(entries.dropLast()))])
        var worker = VerifierWorker(
          reader: try store.makeReader(), pool: pool, cursor: .start, trust: trust, handed: handed)
        #expect(next(&worker)?.verdicts.count == count)
        #expect(handed.byteCount == 0)
      }
      pool.stop()
    }
  }
}
