import Replication
import Storage

@testable import Simulation

/// What a script says that cannot be read, with its line.
struct ScriptError: Error, CustomStringConvertible {
  let description: String
}

/// Runs one script: a world, commands in plain words, and what each of them shows.
///
/// | command | what it does and shows |
/// |---|---|
/// | `provinces N [late]` | a centre and N provinces; `late`: the last is not in the registry yet |
/// | `register SITE` | the centre's next registry names the province |
/// | `document NAME FROM -> SITE... [urgent] [recalls NAME]` | a document; shows the answer |
/// | `burst COUNT FROM -> SITE` | so many urgent documents |
/// | `receipt NAME by SITE` | receipt 01 of a document |
/// | `address NAME -> SITE` | the owner adds a late addressee |
/// | `directive NAME FROM -> LEAD` | a task |
/// | `event NAME TYPE by SITE` | an event of a directive |
/// | `voucher NAME SITE number N amount A` | a voucher |
/// | `decide NAME keep NAME` | the owner ends a conflict |
/// | `cut SITE`, `heal SITE` | the province's line |
/// | `backup SITE`, `restore SITE kept/lost/wentBackToo` | an older copy of its disk and witness |
/// | `wait SECONDS` | time passes |
/// | `settle` | until nothing is on its way; shows what the oracles find |
/// | `show SITE` | the named records there |
/// | `outcomes NAME at SITE` | what other sites did with the record's entries |
/// | `held SITE` | how many entries had to wait for their registry there so far |
/// | `digest` | whether each pair agrees |
final class Script {
  private var world = SimulatedWorld(seed: 1, provinceCount: 1)
  private var records: [String: (key: RecordKey, owner: SimulatedSite)] = [:]
  private var names: [String] = []
  private var documentNumbers: [String: Int] = [:]
  private var backups: [SiteID: Backup] = [:]
  private var lastID: UInt64 = 0
  private var heldNotes: [String] = []
  private var shownFailureCount = 0

  /// - Returns: what the commands show, line by line.
  func run(_ commands: [String]) throws -> String {
    var output: [String] = []
    for command in commands {
      do {
        let shown = try run(command)
        if !shown.isEmpty { output.append(shown) }
      } catch let error as ScriptError {
        throw ScriptError(description: "\(command): \(error)")
      }
    }
    return output.joined(separator: "\n")
  }

  private func run(_ command: String) throws -> String {
    let words = command.split(separator: " ").map(String.init)
    guard let verb = words.first else { return "" }
    let rest = Array(words.dropFirst())
    switch verb {
    case "provinces": return try begin(rest)
    case "register": return try register(rest)
    case "document", "burst", "receipt", "address", "directive", "event", "voucher":
      return try write(verb, rest)
    case "decide": return try decide(rest)
    case "cut": try line(rest).cut()
    case "heal": try line(rest).heal()
    case "backup": backups[try site(rest, 0).id] = world.backUp(try site(rest, 0))
    case "restore": return try restore(rest)
    case "wait": world.run(for: .seconds(Int(try word(rest, 0)) ?? 1))
    case "settle": return settle()
    case "show": return try show(try site(rest, 0))
    case "outcomes": return try outcomes(rest)
    case "held":
      let place = try word(rest, 0)
      return "\(heldNotes.filter { $0.contains(" \(place) ") }.count) waited for their registry"
    case "digest": return try digest()
    default: throw ScriptError(description: "unknown command \(verb)")
    }
    return ""
  }

  // MARK: Words

  private func word(_ words: [String], _ index: Int) throws -> String {
    guard words.indices.contains(index) else { throw ScriptError(description: "a word is missing") }
    return words[index]
  }

  private func site(_ words: [String], _ index: Int) throws -> SimulatedSite {
    let name = try word(words, index)
    guard let site = SiteID(name).flatMap({ world.site($0) }) else {
      throw ScriptError(description: "no site \(name)")
    }
    return site
  }

  private func line(_ words: [String]) throws -> SimulatedLine {
    world.line(of: try site(words, 0).id)
  }

  private func record(_ words: [String], _ index: Int) throws -> (
    key: RecordKey, owner: SimulatedSite
  ) {
    let name = try word(words, index)
    guard let record = records[name] else { throw ScriptError(description: "no record \(name)") }
    return record
  }

  private func nextID() -> UniqueID {
    lastID += 1
    return UniqueID(Bytes16(high: 0xD00D, low: lastID))
  }

  // MARK: World

  private func begin(_ words: [String]) throws -> String {
    world = SimulatedWorld(
      seed: 1, provinceCount: Int(try word(words, 0)) ?? 1,
      lateProvinceCount: words.contains("late") ? 1 : 0)
    world.listen { [weak self] event in
      if event.contains("as held registry-missing") { self?.heldNotes.append(event) }
    }
    world.start()
    world.run(for: .seconds(1))
    return world.sites.map(\.id.description).joined(separator: " ")
  }

  private func register(_ words: [String]) throws -> String {
    world.addMember(try site(words, 0).id)
    world.run(for: .seconds(3))
    return "registry \(try world.centre.store.siteState().registry)"
  }

  private func restore(_ words: [String]) throws -> String {
    let site = try site(words, 0)
    let kind = try word(words, 1)
    guard let backup = backups[site.id],
      let witness = RestoredWitness.allCases.first(where: { "\($0)" == kind })
    else { throw ScriptError(description: "no backup, or no such witness") }
    world.restore(site, to: backup, witness: witness)
    let lock = try site.store.siteState().lock
    return lock.map { "locked: \($0)" } ?? "not locked"
  }

  private func settle() -> String {
    if world.drain() { world.judge() }
    let new = world.failures.dropFirst(shownFailureCount)
    shownFailureCount = world.failures.count
    return new.isEmpty ? "all is well" : new.joined(separator: "\n")
  }

  // MARK: Writing

  private func write(_ verb: String, _ words: [String]) throws -> String {
    switch verb {
    case "document": return try document(words)
    case "burst":
      for _ in 0..<(Int(try word(words, 0)) ?? 1) {
        _ = try document(
          ["", try word(words, 1), "->", try word(words, 3), "urgent"], waits: false)
      }
      world.run(for: .seconds(1))
      return ""
    case "receipt":
      let site = try site(words, 2)
      let body = Bodies.receipt(nextID(), of: try record(words, 0).key, by: site.id)
      return try submit(.document, .append, body, at: site)
    case "address":
      let document = try record(words, 0)
      let body = Bodies.addressed(nextID(), document.key, to: try site(words, 2).id)
      return try submit(.document, .append, body, at: document.owner)
    case "directive":
      let owner = try site(words, 1)
      let id = try name(words, .directive, owner)
      let body = Bodies.directive(
        id, revision: 1, number: Int(lastID),
        source: Bodies.documentID(number: 1, from: owner.id), from: owner.id,
        lead: try site(words, 3).id)
      return try submit(.directive, .put, body, at: owner)
    case "event":
      let site = try site(words, 3)
      let body = Bodies.directiveEvent(
        nextID(), try record(words, 0).key, type: try word(words, 1), by: site.id)
      return try submit(.directive, .append, body, at: site)
    case "voucher":
      let site = try site(words, 1)
      let id = try name(words, .finance, site)
      let body = Bodies.voucher(
        id, number: Int(try word(words, 3)) ?? 0, unit: 1, of: site.id,
        amount: Int64(try word(words, 5)) ?? 0)
      return try submit(.finance, .put, body, at: site)
    default: throw ScriptError(description: "unknown write \(verb)")
    }
  }

  private func document(_ words: [String], waits: Bool = true) throws -> String {
    let owner = try site(words, 1)
    let id = try name(words, .document, owner)
    let number = Int(lastID)
    documentNumbers[try word(words, 0)] = number
    let arrow = words.firstIndex(of: "->") ?? 1
    let to = words.suffix(from: arrow + 1).prefix { $0 != "urgent" && $0 != "recalls" }
    let recalls = words.firstIndex(of: "recalls").flatMap { documentNumbers[words[$0 + 1]] }
    let body = Bodies.document(
      id, number: number, from: owner.id, to: to.compactMap { SiteID($0) },
      isUrgent: words.contains("urgent"),
      recalls: recalls.map { Bodies.documentID(number: $0, from: owner.id) })
    return try submit(.document, .put, body, at: owner, waits: waits)
  }

  private func name(
    _ words: [String], _ kind: RecordKind, _ owner: SimulatedSite
  ) throws -> UniqueID {
    let id = nextID()
    let name = try word(words, 0)
    if !name.isEmpty {
      records[name] = (RecordKey(kind: kind, id: RecordID(id)), owner)
      names.append(name)
    }
    return id
  }

  private func submit(
    _ kind: RecordKind, _ operation: Operation, _ body: JSONObject, at site: SimulatedSite,
    waits: Bool = true
  ) throws -> String {
    let submission = try Submission.read(
      kind: kind, operation: operation, json: JSONValue.object(body).canonicalBytes)
    world.clients.lastResult = nil
    world.submit(submission, at: site)
    return waits ? answer() : ""
  }

  private func decide(_ words: [String]) throws -> String {
    let record = try record(words, 0)
    world.clients.lastResult = nil
    world.decide(record.key, keep: .record(try self.record(words, 2).key.id), at: record.owner)
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

  // MARK: Showing

  private func show(_ site: SimulatedSite) throws -> String {
    var lines: [String] = []
    for name in names {
      guard let record = records[name] else { continue }
      let entries = try site.store.entries(of: record.key)
      let day = CalendarDate(localDayOf: site.wallTime)
      let held = HeldRecord(record.key, entries: entries)
      let content = try RecordContent(
        held, asOf: day, site: site.id, centre: world.centre.id, in: site.store)
      guard let content = content?.json else {
        lines.append(
          "  \(name): \(entries.isEmpty ? "not here" : "\(entries.count) without a put")")
        continue
      }
      var line = "  \(name): \(record.key.kind) of \(record.owner.id)"
      if let receipts = content["receipts"]?.array, !receipts.isEmpty {
        line +=
          ", receipts "
          + receipts.compactMap { receipt -> String? in
            guard let receipt = receipt.object, let code = receipt["statusCode"]?.text else {
              return nil
            }
            return "\(receipt["siteId"]?.text?.string ?? "?") \(code)"
          }.joined(separator: ", ")
      }
      if let effect = content["effectStatus"]?.text, effect != "effective" { line += ", \(effect)" }
      if content["contentHidden"] != nil { line += ", content hidden" }
      if let state = content["derived"]?.object?["state"]?.text { line += ", \(state)" }
      if let amount = content["totalAmount"]?.integer { line += ", amount \(amount)" }
      if let events = content["events"]?.array, !events.isEmpty {
        line +=
          ", "
          + events.compactMap { $0.object?["type"]?.text?.string }
          .joined(separator: " ")
      }
      let conflicts = try site.store.summary(of: record.key)?.conflicts ?? []
      if !conflicts.isEmpty { line += ", CONFLICT \(conflicts[0])" }
      lines.append(line)
    }
    return (["\(site.id):"] + lines).joined(separator: "\n")
  }

  private func outcomes(_ words: [String]) throws -> String {
    let site = try site(words, 2)
    var lines: [String] = []
    for entry in try site.store.entries(of: try record(words, 0).key) {
      for outcome in try site.store.remoteOutcomes(of: entry.identity) {
        lines.append(
          "  \(entry.header.operation): \(outcome.site) \(outcome.state) \(outcome.code)")
      }
    }
    return lines.isEmpty ? "  none" : lines.joined(separator: "\n")
  }

  private func digest() throws -> String {
    try world.provinces.filter { world.members.contains($0.id) }.map { province in
      let here = try world.digest(of: province, with: world.centre.id)
      let there = try world.digest(of: world.centre, with: province.id)
      let relation = here.total == there.total ? "equal" : "different"
      return "\(province.id) and \(world.centre.id): \(relation), \(here.count) and \(there.count)"
    }.joined(separator: "\n")
  }
}
