import Testing

@testable import Replication

private func sites(_ names: String...) -> [SiteID] { names.map { site($0) } }

/// A submission appended to `sample`, written as JSON text without its event id.
private func append(_ sample: Sample, _ fields: JSONObject) throws -> Submission {
  let json = fields.with("eventId", "00000000-0000-0000-0000-0000000000aa").bytes
  return try Submission.read(kind: sample.kind, operation: .append, id: sample.id, json: json)
}

@Suite struct FactsTests {
  @Test func audiencesOfTheSamples() throws {
    let documents = try Sample.documents.map { try $0.readPut().facts.audience }
    #expect(documents[0] == sites("lang-son", "nghe-an", "trung-uong", "tuyen-quang-2025"))
    #expect(documents[2] == sites("lang-son", "trung-uong"))
    let directives = try Sample.directives.map { try $0.readPut().facts.audience }
    #expect(directives[2] == sites("lang-son", "trung-uong", "tuyen-quang-2025"))
    #expect(directives[4] == sites("trung-uong", "tuyen-quang-2025"))
    for sample in Sample.finance { #expect(try sample.readPut().facts.audience == []) }
    let reassigned = try Sample.directives[4].appends.map {
      try Sample.directives[4].readAppend($0).facts
    }
    .filter { $0.eventType == "assigned" || $0.eventType == "reassigned" }
    #expect(reassigned.map(\.audience) == [sites("ha-giang"), sites("tuyen-quang-2025")])
    for sample in Sample.documents {
      for receipt in sample.appends { #expect(try sample.readAppend(receipt).facts.audience == []) }
    }
  }

  @Test func lanesOfTheSamples() throws {
    let lanes = try Sample.documents.map { try $0.readPut().facts.lane }
    #expect(lanes == [.normal, .urgent, .normal, .urgent, .urgent])
    for sample in Sample.directives + Sample.finance {
      #expect(try sample.readPut().facts.lane == .normal)
    }
  }

  @Test func recallsSpreadAndSourcesDoNot() throws {
    let recall = try Sample.documents[3].readPut().facts
    let target = UniqueKey.documentID("A99.00,2026/05/05,63-TB/VPTW")
    #expect(
      recall.references == [
        Reference(to: target, spreadsAudience: true, hold: .everywhere)
      ])
    #expect(try Sample.earlier[0].readPut().facts.names.contains(target))
    #expect(try Sample.documents[0].readPut().facts.references.isEmpty)
    // An answer is no recall: it refers to nothing it must wait for.
    #expect(try Sample.documents[2].readPut().facts.references.isEmpty)
    let task = try Sample.directives[0].readPut().facts
    let source = try #require(task.references.first)
    #expect(!source.spreadsAudience)
    #expect(try Sample.documents[0].readPut().facts.names.contains(source.key))
    let correction = try Sample.finance[2].readPut().facts
    let original = try Sample.finance[0].readPut()
    #expect(
      correction.references.filter { $0.hold == .everywhere }.map(\.key)
        == [.record(original.record)])
    #expect(original.facts.names == [.record(original.record)])
  }

  @Test func numbersAreClaimedOnce() throws {
    let all = try Sample.all.filter { $0.kind != .directive }.map { try $0.readPut() }
    for left in all {
      for right in all where left.record != right.record {
        #expect(Set(left.facts.claims).isDisjoint(with: right.facts.claims))
      }
    }
    #expect(try Sample.documents[0].readPut().facts.claims.count == 2)
    #expect(try Sample.finance[0].readPut().facts.claims.count == 1)
    #expect(try Sample.finance[3].readPut().facts.claims.isEmpty)
    // Other content under the same number claims the same key; another term another one.
    let base = Sample.documents[4].put
    let claims = try number(base)
    #expect(try number(base.with("subject", "khác")) == claims)
    #expect(try number(base.with("committeeTerm", "2025-2030")) != claims)
    #expect(try number(base.with("committeeTerm", nil)) != claims)
    #expect(try number(base.with("codeNumber", "2")) != claims)
    // Two predecessors' 02-TB/TU are two: the site tells their generations apart.
    let from = try #require(base["from"]?.object)
    let other = JSONValue.object(from.with("siteId", "tuyen-quang"))
    #expect(try number(base.with("from", other)) != claims)
    let voucher = Sample.finance[0].put
    let claim = try voucherClaim(voucher)
    #expect(try voucherClaim(voucher.with("description", "khác")) == claim)
    #expect(
      try voucherClaim(
        voucher.with("fiscalYear", 2025)
          .with("accountingPeriod", "2025-05").with("postingDate", "2025-05-12")) != claim)
    #expect(try voucherClaim(voucher.with("voucherForm", "C40-BB")) != claim)
  }

  private func number(_ put: JSONObject) throws -> UniqueKey? {
    try Submission.read(kind: .document, operation: .put, json: put.bytes).facts.claims.last
  }
  private func voucherClaim(_ put: JSONObject) throws -> UniqueKey? {
    try Submission.read(kind: .finance, operation: .put, json: put.bytes).facts.claims.first
  }

  /// Lengths in front of the parts: no two lists of parts make one key.
  @Test func keysDoNotRunTogether() {
    #expect(UniqueKey(.period, "12", "3") != UniqueKey(.period, "1", "23"))
    #expect(UniqueKey(.period, "1") != UniqueKey(.documentID, "1"))
    #expect(UniqueKey(.period, nil, "1") != UniqueKey(.period, "1", nil))
    #expect(UniqueKey(.period, "12", "3").bytes == [5, 0, 2, 0x31, 0x32, 0, 1, 0x33])
  }

  @Test func whoMayWrite() throws {
    let document = Sample.documents[0]
    let put = try document.readPut().facts
    let parties = RecordParties(
      owner: site("trung-uong"), centre: site("trung-uong"), addressees: put.audience)
    let lawful = put.authorityFault(author: site("trung-uong"), parties: parties)
    #expect(lawful == nil)
    #expect(
      put.authorityFault(author: site("lang-son"), parties: parties)
        == .speaksForAnother(author: site("lang-son"), speaker: site("trung-uong")))
    let receipt = try #require(document.appends.first { $0.author == site("lang-son") })
    let facts = try document.readAppend(receipt).facts
    #expect(
      facts.authorityFault(author: site("nghe-an"), parties: parties)
        == .speaksForAnother(author: site("nghe-an"), speaker: site("lang-son")))
    let own = try append(document, receipt.json.with("siteId", "ca-mau").with("receiptId", nil))
    #expect(
      own.facts.authorityFault(author: site("ca-mau"), parties: parties)
        == .notAddressee(author: site("ca-mau")))
    let organ = JSONValue.object(["siteId": "ca-mau", "organId": "A99.P1", "organName": "x"])
    let late = try append(document, ["type": "addressed", "to": .array([organ])]).facts
    #expect(late.audience == sites("ca-mau"))
    #expect(late.authorityFault(author: site("lang-son"), parties: parties) != nil)
    #expect(late.authorityFault(author: site("trung-uong"), parties: parties) == nil)
  }

  @Test func keywordsAreTheOwnersOrTheCentres() throws {
    let report = Sample.documents[2]
    let json: JSONObject = [
      "eventId": "00000000-0000-0000-0000-0000000000aa", "keywords": .array(["chữ ký số"]),
    ]
    let facts = try Submission.read(
      kind: .document, operation: .annotate, id: report.id, json: json.bytes
    ).facts
    let parties = RecordParties(
      owner: site("lang-son"), centre: site("trung-uong"), addressees: [site("nghe-an")])
    for (author, isLawful) in [("lang-son", true), ("trung-uong", true), ("nghe-an", false)] {
      #expect((facts.authorityFault(author: site(author), parties: parties) == nil) == isLawful)
    }
  }

  @Test func onlyDirectivesAreWithdrawn() throws {
    for sample in Sample.documents + Sample.directives + Sample.finance {
      let json: JSONObject = ["revision": 9, "reason": "ghi nhầm"]
      let facts = try Submission.read(
        kind: sample.kind, operation: .withdraw, id: sample.id, json: json.bytes
      ).facts
      let parties = RecordParties(
        owner: sample.owner, centre: site("trung-uong"), addressees: [])
      let expected: AuthorityFault? =
        switch sample.kind {
        case .document: .forbidden(.promulgated)
        case .finance: .forbidden(.bookkeeping)
        case .directive, .registry: nil
        }
      #expect(facts.authorityFault(author: sample.owner, parties: parties) == expected)
    }
  }

  @Test func transfersAreReceivedByTheReceiver() throws {
    let card = Sample.finance[3]
    let out = try append(
      card, ["type": "transferredOut", "date": "2026-07-01", "amount": 5, "toSite": "nghe-an"])
    #expect(out.facts.audience == sites("nghe-an"))
    let fields: JSONObject = [
      "type": "received", "date": "2026-07-02", "amount": 5, "fromSite": "lang-son",
      "toSite": "nghe-an", "transferMovementId": "32df532a-e6cf-50e7-aa35-f0f917743d59",
    ]
    let received = try append(card, fields).facts
    #expect(received.audience == sites("lang-son", "nghe-an"))
    let parties = RecordParties(
      owner: site("lang-son"), centre: site("trung-uong"), addressees: [])
    #expect(received.authorityFault(author: site("nghe-an"), parties: parties) == nil)
    #expect(
      received.authorityFault(author: site("lang-son"), parties: parties)
        == .notNamedSite(author: site("lang-son"), named: site("nghe-an")))
    #expect(out.facts.authorityFault(author: site("nghe-an"), parties: parties) != nil)
  }

  @Test func fieldsThatOthersMakeRequired() throws {
    let document = Sample.documents[3]
    for (sample, change, missing) in [
      (document, document.put.with("priority", 4), "dueDate"),
      (Sample.directives[0], Sample.directives[0].put.with("dueDate", nil), "dueDate"),
      (
        Sample.finance[0], Sample.finance[0].put.with("totalAmountInWords", nil),
        "totalAmountInWords"
      ),
      (Sample.finance[4], Sample.finance[4].put.with("successorSite", nil), "successorSite"),
    ] {
      let error = #expect(throws: RecordError.self) {
        try Submission.read(kind: sample.kind, operation: .put, json: change.bytes)
      }
      guard case .field(let fault)? = error, case .requiredBecause = fault.rule else {
        Issue.record("\(String(describing: error))")
        continue
      }
      #expect(fault.path == missing)
    }
  }

  @Test func foldsShowKeywordsAndWear() throws {
    let sample = Sample.documents[3]
    let events = try sample.foldedEvents()
    let id = try #require(events.first?.id)
    let words = [JSONValue.array(["a"]), .array(["b"])]
    let annotations = words.map {
      FoldedEvent(id: id, operation: .annotate, author: sample.owner, body: ["keywords": $0])
    }
    let folded = DocumentRules.keywords(put: sample.put, events: events + annotations)
    #expect(folded == LastWriter(current: words[1], losers: [words[0]]))
    let card = Sample.finance[3]
    let wear: JSONObject = ["type": "wear", "amount": 124_300_000, "date": "2026-12-31"]
    let worn = FoldedEvent(id: id, operation: .append, author: card.owner, body: wear)
    let before = AssetValue(card: card.put, events: try card.foldedEvents())
    #expect(before.accumulatedWear == 0 && before.remainingValue == 621_500_000)
    let after = AssetValue(card: card.put, events: [worn])
    #expect(after.accumulatedWear == 124_300_000 && after.remainingValue == 497_200_000)
  }
}
