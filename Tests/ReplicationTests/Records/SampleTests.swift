import Testing

@testable import Replication

@Suite struct SampleTests {
  @Test func allAreThere() {
    #expect(Sample.documents.count == 5 && Sample.directives.count == 5)
    #expect(Sample.finance.count == 5 && Sample.earlier.count == 5)
  }

  @Test(arguments: Sample.all) func putsAndAppendsAreLawful(sample: Sample) throws {
    let put = try sample.readPut()
    #expect(put.ownerSite == sample.owner && put.record.kind == sample.kind)
    let parties = RecordParties(
      owner: sample.owner, centre: site("trung-uong"), addressees: put.facts.audience)
    #expect(put.facts.authorityFault(author: sample.owner, parties: parties) == nil)
    for append in sample.appends {
      let event = try sample.readAppend(append)
      let parties = RecordParties(
        owner: sample.owner, centre: site("trung-uong"), addressees: put.facts.audience)
      #expect(event.record == put.record)
      #expect(event.facts.eventType != nil && event.facts.lane == nil)
      #expect(event.facts.authorityFault(author: append.author, parties: parties) == nil)
      let stranger = event.facts.authorityFault(author: site("ca-mau"), parties: parties)
      #expect(stranger != nil, "\(event.facts)")
    }
  }

  /// The body has no envelope, and reading it again with the envelope gives the same bytes.
  @Test(arguments: Sample.all) func canonicalisationIsIdempotent(sample: Sample) throws {
    let put = try sample.readPut()
    var again = try object(put.body)
    for name: Text in [
      "recordId", "kind", "ownerSite", "revision", "secrecyLevel", "derived", "receipts",
      "accumulatedWear",
    ] { #expect(again[name] == nil) }
    for name: Text in ["recordId", "revision", "secrecyLevel", "ownerSite", "kind"] {
      again[name] = sample.put[name]
    }
    let second = try Submission.read(kind: sample.kind, operation: .put, json: again.bytes)
    #expect(second == put)
  }

  /// Facts come from record, operation and body alone: a receiver finds what the author found.
  @Test(arguments: Sample.all) func receiversFindTheSameFacts(sample: Sample) throws {
    let submissions = try [sample.readPut()] + sample.appends.map { try sample.readAppend($0) }
    for submission in submissions {
      let facts = try EntryFacts.read(
        record: submission.record, operation: submission.operation,
        body: try object(submission.body), unknown: .kept)
      #expect(facts == submission.facts)
    }
  }

  /// A put of another kind may have a field of this name from a later version, kept unread. Kills:
  /// attachments read in every kind.
  @Test(arguments: Sample.all) func filesAreFoundAsItsFactsFindThem(sample: Sample) throws {
    let attachments = try #require(Sample.documents.first?.put["attachments"])
    let put = try sample.readPut()
    let body = try object(put.body).with("attachments", attachments)
    let facts = try EntryFacts.read(
      record: put.record, operation: .put, body: body, unknown: .kept)
    #expect(put.record.kind.files(namedBy: body) == facts.files)
    #expect(facts.files.isEmpty == (put.record.kind != .document))
  }

  @Test(arguments: Sample.all) func secrecyIsJudgedFirstAndSaysNothing(sample: Sample) {
    for level: JSONValue in ["mat", "toiMat", "tuyetMat", "None", "", .null, 0] {
      let secret = sample.put.with("secrecyLevel", level).with("subjekt", "x").with("recordId", 7)
      #expect(throws: RecordError.secrecy) {
        try Submission.read(kind: sample.kind, operation: .put, json: secret.bytes)
      }
    }
    for append in sample.appends {
      #expect(throws: RecordError.secrecy) {
        let json = append.json.with("secrecyLevel", "mat").bytes
        return try Submission.read(kind: sample.kind, operation: .append, json: json)
      }
    }
    #expect(throws: RecordError.field(FieldFault("secrecyLevel", .required))) {
      let json = sample.put.with("secrecyLevel", nil).with("subjekt", "x").bytes
      return try Submission.read(kind: sample.kind, operation: .put, json: json)
    }
  }

  /// The level lives in the header: a peer cannot hide one among unknown fields of a body.
  @Test(arguments: Sample.all) func receivedBodiesHaveNoLevel(sample: Sample) throws {
    let put = try sample.readPut()
    let body = try object(put.body)
    let unknown = FieldFault("secrecyLevel", .unknown(nearest: nil))
    for (level, error): (JSONValue, RecordError) in [("mat", .secrecy), ("none", .field(unknown))] {
      #expect(throws: error) {
        try EntryFacts.read(
          record: put.record, operation: .put, body: body.with("secrecyLevel", level),
          unknown: .kept)
      }
    }
  }

  /// Whatever is left out of a put, it is refused by that name or the schema calls it optional.
  @Test(arguments: Sample.documents + Sample.directives + Sample.finance)
  func eachRequiredFieldIsMissed(sample: Sample) throws {
    let body = try object(try sample.readPut().body)
    let schema = try sample.kind.rules.putSchema(of: body)
    let required = schema.fields.filter(\.isRequired).map(\.name) + ["recordId", "revision"]
    #expect(required.count >= 9)
    for name in required {
      let json = sample.put.with(name, nil).bytes
      #expect(throws: RecordError.field(FieldFault(name.string, .required))) {
        try Submission.read(kind: sample.kind, operation: .put, json: json)
      }
    }
  }

  @Test(arguments: Sample.all) func eachRequiredFieldOfAnEventIsMissed(sample: Sample) throws {
    for append in sample.appends {
      let type = try sample.readAppend(append).facts.eventType ?? ""
      let known = sample.kind.rules.eventSchema(ofType: type)
      let schema = try #require(known)
      for field in schema.fields where field.isRequired && field.name != "type" {
        let json = append.json.with("type", .string(type)).with(field.name, nil).bytes
        #expect(throws: RecordError.field(FieldFault(field.name.string, .required))) {
          try Submission.read(kind: sample.kind, operation: .append, id: sample.id, json: json)
        }
      }
    }
  }

  @Test(arguments: Sample.all) func unknownFieldsAreRefusedWithTheNearest(sample: Sample) throws {
    let body = try object(try sample.readPut().body)
    for field in try sample.kind.rules.putSchema(of: body).fields {
      let slip = Text(field.name.string + "x")
      let fault = FieldFault(slip.string, .unknown(nearest: field.name))
      #expect(throws: RecordError.field(fault)) {
        let json = sample.put.with(slip, 1).bytes
        return try Submission.read(kind: sample.kind, operation: .put, json: json)
      }
    }
    // A peer of a later version may know more: kept, digested verbatim.
    let facts = try EntryFacts.read(
      record: try sample.readPut().record, operation: .put, body: body.with("later", 1),
      unknown: .kept)
    #expect(try facts == sample.readPut().facts)
  }

  @Test(arguments: Sample.directives) func foldGivesTheDerivedValues(sample: Sample) throws {
    let derived = try #require(sample.derived)
    let day = try #require(derived.date("asOf"))
    let put = try object(try sample.readPut().body)
    let state = DirectiveState(put: put, events: try sample.foldedEvents(), asOf: day)
    for name: Text in ["state", "timeliness", "effectiveDueDate", "percentComplete"] {
      #expect(state.json.object?[name] == derived[name], "\(name)")
    }
    #expect(state.flagged.isEmpty)
  }
}

extension Sample {
  /// Each author had seen the event before its own.
  func foldedEvents() throws -> [FoldedEvent] {
    var before: [Digest] = []
    return try appends.enumerated().map { index, append in
      let event = try readAppend(append)
      guard case .event(let id) = event.subject else { throw RecordError.secrecy }
      defer { before = [Digest(Bytes32(0, 0, 0, UInt64(index) + 1))] }
      return FoldedEvent(
        id: id, operation: event.operation, author: append.author,
        digest: Digest(Bytes32(0, 0, 0, UInt64(index) + 1)), parents: before,
        body: try object(event.body))
    }
  }
}
