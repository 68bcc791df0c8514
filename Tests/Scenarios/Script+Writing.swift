import Replication
import Storage

@testable import Simulation

/// What applications write.
extension Script {
  func write(_ verb: String, _ words: Words) throws -> String {
    switch verb {
    case "document": return try document(words)
    case "burst": return try burst(words)
    case "receipt": return try receipt(words)
    case "sign", "stamp": return try sign(words, withTokens: verb == "stamp")
    case "address":
      let document = try record(words.at(0))
      let body = Bodies.addressed(nextID(), document.key, to: try site(words.at(2)).id)
      return try submit(.document, .append, body, at: document.owner)
    case "directive": return try directive(words)
    case "event": return try event(words)
    case "voucher": return try voucher(words)
    case "closing": return try closing(words)
    case "asset": return try asset(words)
    case "movement": return try movement(words)
    default: throw ScriptError(description: "unknown write \(verb)")
    }
  }

  // MARK: Documents

  private func document(_ words: Words) throws -> String {
    let owner = try site(words.at(1))
    let id = nextID()
    let arrow = words.all.firstIndex(of: "->") ?? 1
    let options = ["urgent", "recalls", "number", "type", "secrecy"]
    let to = words.all.suffix(from: arrow + 1).prefix { !options.contains($0) }
    let number = try words.after("number").map { try parsed($0) } ?? Int(lastID)
    let recalls = try words.after("recalls").map { try record($0).documentID }
    var body = Bodies.document(
      id, number: number, from: owner.id, to: to.compactMap { SiteID($0) },
      isUrgent: words.has("urgent"), recalls: recalls)
    if let type = words.after("type") { body = Bodies.document(body, ofType: type) }
    if let level = words.after("secrecy") { body["secrecyLevel"] = Bodies.text(level) }
    let documentID = body["documentId"]?.text ?? ""
    try name(words.at(0), .document, id, of: owner, documentID)
    return try submit(.document, .put, body, at: owner)
  }

  /// Nobody waits for the answers.
  private func burst(_ words: Words) throws -> String {
    let owner = try site(words.at(1))
    for _ in 0..<(try parsed(words.at(0)) as Int) {
      let id = nextID()
      let body = Bodies.document(
        id, number: Int(lastID), from: owner.id, to: [try site(words.at(3)).id],
        isUrgent: !words.has("normal"))
      _ = try submit(.document, .put, body, at: owner, waits: false)
    }
    world.run(for: .seconds(1))
    return ""
  }

  private func receipt(_ words: Words) throws -> String {
    let site = try site(words.needed(after: "by"))
    var body = Bodies.receipt(nextID(), of: try record(words.at(0)).key, by: site.id)
    let code = try words.at(1)
    if code != "by" { body["statusCode"] = Bodies.text(code) }
    body["description"] = words.rest(after: "saying").map { Bodies.text($0) }
    return try submit(.document, .append, body, at: site)
  }

  /// Person and organ. What the bytes say is the verifier's to find: see `verdict`.
  private func sign(_ words: Words, withTokens: Bool) throws -> String {
    let name = try words.at(0)
    let document = try record(name)
    var answers: [String] = []
    for role in ["person", "organ"] {
      let id = nextID()
      var body: JSONObject = [
        "eventId": Bodies.text(id), "recordId": Bodies.text(document.key.id),
        "type": Bodies.text(withTokens ? "timestamp" : "signature"),
      ]
      if withTokens {
        body["signatureEventId"] = events["\(name) \(role)"]
        body["token"] = Bodies.text("TWFu")
      } else {
        events["\(name) \(role)"] = Bodies.text(id)
        body["signerRole"] = Bodies.text(role)
        body["value"] = Bodies.text("TWFu")
      }
      answers.append(try submit(.document, .append, body, at: document.owner))
    }
    return answers.joined(separator: ", ")
  }

  // MARK: Directives

  private func directive(_ words: Words) throws -> String {
    let owner = try site(words.at(1))
    let id = nextID()
    let source = try words.after("source").map { try record($0).documentID }
    var body = Bodies.directive(
      id, revision: 1, number: Int(lastID),
      source: source ?? Bodies.documentID(number: 1, from: owner.id), from: owner.id,
      lead: try site(words.at(3)).id)
    if let day = words.after("due") {
      body["deadlineType"] = Bodies.text("fixed")
      body["dueDate"] = Bodies.text(day)
    }
    try name(words.at(0), .directive, id, of: owner)
    return try submit(.directive, .put, body, at: owner)
  }

  private func event(_ words: Words) throws -> String {
    let site = try site(words.needed(after: "by"))
    let id = nextID()
    var body = Bodies.directiveEvent(
      id, try record(words.at(0)).key, type: try words.at(1), by: site.id)
    for field in words.fields { body[Text(field.name)] = try value(field.value) }
    if let name = words.after("as") { events[name] = Bodies.text(id) }
    return try submit(.directive, .append, body, at: site)
  }

  private func value(_ word: String) throws -> JSONValue {
    if word.hasPrefix("@") {
      guard let id = events[String(word.dropFirst())] else {
        throw ScriptError(description: "no event \(word)")
      }
      return id
    }
    if let number = Int64(word) { return .integer(number) }
    if let flag = Bool(word) { return .bool(flag) }
    return Bodies.text(word)
  }

  // MARK: Finance

  private func voucher(_ words: Words) throws -> String {
    let site = try site(words.at(1))
    let id = announced.removeValue(forKey: try words.at(0)) ?? nextID()
    let number = try words.needed(after: "number")
    let adjusts = words.after("adjusts").map { adjusted($0) }
    var body = Bodies.voucher(
      id, number: Int(number) ?? 0, unit: 1, of: site.id,
      amount: try words.amount(after: "amount"), adjusts: adjusts)
    if Int(number) == nil { body["voucherNumber"] = Bodies.text(number) }
    if let month = words.after("month") { body["accountingPeriod"] = Bodies.text(month) }
    try name(words.at(0), .finance, id, of: site)
    return try submit(.finance, .put, body, at: site)
  }

  /// A voucher may be named before it is written: its application has given it an id already.
  private func adjusted(_ name: String) -> RecordKey {
    if let known = records[name] { return known.key }
    let id = announced[name] ?? nextID()
    announced[name] = id
    return RecordKey(kind: .finance, id: RecordID(id))
  }

  private func closing(_ words: Words) throws -> String {
    let site = try site(words.at(1))
    let id = nextID()
    let body = Bodies.closing(
      id, month: try words.needed(after: "month"), unit: 1, of: site.id,
      count: try words.amount(after: "count"), last: try words.needed(after: "last"),
      successor: words.after("to"))
    try name(words.at(0), .finance, id, of: site)
    return try submit(.finance, .put, body, at: site)
  }

  private func asset(_ words: Words) throws -> String {
    let site = try site(words.at(1))
    let id = nextID()
    let body = Bodies.assetCard(
      id, number: Int(lastID), unit: 1, of: site.id, cost: try words.amount(after: "cost"))
    try name(words.at(0), .finance, id, of: site)
    return try submit(.finance, .put, body, at: site)
  }

  private func movement(_ words: Words) throws -> String {
    let site = try site(words.needed(after: "by"))
    let card = try record(words.at(0))
    let id = nextID()
    var body: JSONObject = [
      "movementId": Bodies.text(id), "recordId": Bodies.text(card.key.id),
      "type": Bodies.text(try words.at(1)), "date": Bodies.text("2026-03-02"),
      "amount": .integer(try words.amount(after: "amount")),
    ]
    body["toSite"] = words.after("to").map { Bodies.text($0) }
    if let departure = words.after("answers") {
      body["transferMovementId"] = try value("@\(departure)")
      body["fromSite"] = Bodies.text(card.owner.id)
      body["toSite"] = Bodies.text(site.id)
    }
    if let name = words.after("as") { events[name] = Bodies.text(id) }
    return try submit(.finance, .append, body, at: site)
  }

  // MARK: Names and answers

  private func parsed<Number: FixedWidthInteger>(_ word: String) throws -> Number {
    guard let number = Number(word) else { throw ScriptError(description: "\(word) is no number") }
    return number
  }

  private func name(
    _ name: String, _ kind: RecordKind, _ id: UniqueID, of owner: SimulatedSite,
    _ documentID: Text = ""
  ) throws {
    let key = RecordKey(kind: kind, id: RecordID(id))
    records[name] = Named(key: key, owner: owner, documentID: documentID)
    names.append(name)
  }

  private func submit(
    _ kind: RecordKind, _ operation: Operation, _ body: JSONObject, at site: SimulatedSite,
    waits: Bool = true
  ) throws -> String {
    let submission: Submission
    do throws(RecordError) {
      submission = try Submission.read(
        kind: kind, operation: operation, json: JSONValue.object(body).canonicalBytes)
    } catch {
      return "refused: \(error)"
    }
    world.clients.lastResult = nil
    world.submit(submission, at: site)
    return waits ? answer() : ""
  }

  func decide(_ words: Words) throws -> String {
    let record = try record(words.at(0))
    world.clients.lastResult = nil
    world.decide(record.key, keep: .record(try self.record(words.at(2)).key.id), at: record.owner)
    return answer()
  }

  private func answer() -> String {
    world.run(for: .seconds(1))
    switch world.clients.lastResult {
    case .ok(let authored)?:
      return authored.code == .none ? "OK" : "OK, \(authored.state): \(authored.code)"
    case .refused(let reason)?: return "refused: \(reason)"
    case nil: return "no answer"
    }
  }
}
