import Storage

@testable import Replication
@testable import Simulation

/// What a script shows of its world.
extension Script {
  func show(_ verb: String, _ words: Words) throws -> String {
    switch verb {
    case "show": return try records(at: site(words.at(0)))
    case "standing": return try standing(words)
    case "order": return try order(at: site(words.at(0)))
    case "stamps": return try words.all.map { try stamps(of: site($0)) }.joined(separator: "\n")
    case "alarms": return try alarms(at: site(words.at(0)))
    case "outcomes": return try outcomes(words)
    case "held":
      let place = try words.at(0)
      let count = notes.count {
        $0.contains(" \(place) has") && $0.contains("as held registry-missing")
      }
      return "\(count) waited for their registry"
    case "clocks": return try words.all.map { try clocks(at: site($0)) }.joined(separator: "\n")
    case "digest": return try digest()
    default: throw ScriptError(description: "nothing to show: \(verb)")
    }
  }

  // MARK: Records

  private func records(at site: SimulatedSite) throws -> String {
    var lines: [String] = []
    for name in names {
      let record = try record(name)
      let held = HeldRecord(record.key, entries: try site.store.entries(of: record.key))
      let content = try RecordContent(
        held, asOf: CalendarDate(localDayOf: site.wallTime), site: site.id,
        centre: world.centre.id, in: site.store)
      guard let content = content?.json else {
        let count = held.entries.count
        lines.append("  \(name): \(count == 0 ? "not here" : "\(count) without a put")")
        continue
      }
      var parts = ["\(record.key.kind) of \(record.owner.id)"]
      parts += receipts(content) + effect(content) + task(content) + books(content)
      parts += happened(content)
      let summary = try site.store.summary(of: record.key)
      if let code = summary?.conflicts.first { parts.append("CONFLICT \(code)") }
      if let code = summary?.holds.first { parts.append("HELD \(code)") }
      lines.append("  \(name): \(parts.joined(separator: ", "))")
    }
    return (["\(site.id):"] + lines).joined(separator: "\n")
  }

  private func receipts(_ content: JSONObject) -> [String] {
    let shown = objects(content["receipts"]).compactMap { receipt -> String? in
      guard let code = receipt["statusCode"]?.text else { return nil }
      return "\(receipt["siteId"]?.text?.string ?? "?") \(code)"
    }
    return shown.isEmpty ? [] : ["receipts \(shown.joined(separator: ", "))"]
  }

  private func effect(_ content: JSONObject) -> [String] {
    var parts: [String] = []
    if let effect = content["effectStatus"]?.text, effect != "effective" {
      parts.append("\(effect)")
    }
    if content["contentHidden"] != nil { parts.append("content hidden") }
    return parts
  }

  /// Percent, date and lead only where events moved them.
  private func task(_ content: JSONObject) -> [String] {
    guard let derived = content["derived"]?.object, let state = derived["state"]?.text else {
      return []
    }
    var parts = ["\(state)"]
    let quiet: [Text] = ["noDeadline", "onTrack"]
    if let timeliness = derived["timeliness"]?.text, !quiet.contains(timeliness) {
      parts.append("\(timeliness)")
    }
    let percent = derived["percentComplete"]?.integer ?? 0
    if percent > 0 { parts.append("\(percent) %") }
    if let day = derived["effectiveDueDate"]?.text { parts.append("due \(day)") }
    let named = content["leadOrgan"]?.object?["siteId"]
    if let lead = derived["leadSite"], lead != named {
      parts.append("lead \(lead.text ?? "nobody")")
    }
    return parts
  }

  private func books(_ content: JSONObject) -> [String] {
    var parts: [String] = []
    if let amount = content["totalAmount"]?.integer { parts.append("amount \(amount)") }
    let derived = content["derived"]?.object ?? JSONObject()
    if let adjusting = derived["adjustedBy"]?.array {
      parts.append("adjusted by \(adjusting.map { name(of: $0) }.joined(separator: " "))")
    }
    if let cost = derived["cost"]?.integer { parts.append("cost \(cost)") }
    for holder in objects(derived["holders"]) {
      let amount = holder["cost"]?.integer ?? 0
      parts.append("\(amount) at \(holder["siteId"]?.text?.string ?? "?")")
    }
    for transfer in objects(derived["inTransit"]) {
      let amount = transfer["amount"]?.integer ?? 0
      parts.append("in transit \(amount) to \(transfer["toSite"]?.text?.string ?? "?")")
    }
    return parts
  }

  /// Events with what stands against them.
  private func happened(_ content: JSONObject) -> [String] {
    let shown = objects(content["events"]).compactMap { event -> String? in
      guard let type = event["type"]?.text else { return nil }
      guard let flag = event["flag"]?.text else { return type.string }
      return "\(type) (\(event["effect"]?.text?.string ?? ""): \(flag))"
    }
    return shown.isEmpty ? [] : [shown.joined(separator: " ")]
  }

  private func name(of id: JSONValue) -> String {
    names.first { records[$0].map { Bodies.text($0.key.id) } == id } ?? "?"
  }

  private func objects(_ value: JSONValue?) -> [JSONObject] {
    (value?.array ?? []).compactMap(\.object)
  }

  // MARK: Beside the content

  private func standing(_ words: Words) throws -> String {
    let site = try site(words.needed(after: "at"))
    let record = try record(words.at(0)).key
    let held = HeldRecord(record, entries: try site.store.entries(of: record))
    let report = try SignatureReport(of: held, in: site.store)
    let state = report.standing.json(under: report.policy).object ?? JSONObject()
    var signatures = state["value"]?.text?.string ?? "?"
    if let missing = state["missingRoles"]?.array {
      signatures += ", no valid signature of \(list(missing))"
    }
    if let reasons = state["reasons"]?.array { signatures += ": \(list(reasons))" }
    var files: [String] = []
    for file in held.files {
      files.append(try site.store.fileState(of: file.digest) == .here ? "here" : "to be fetched")
    }
    return "  \(site.id): \(signatures); file \(files.joined(separator: ", "))"
  }

  private func list(_ texts: [JSONValue]) -> String {
    texts.map { $0.text?.string ?? "?" }.joined(separator: ", ")
  }

  private func order(at site: SimulatedSite) throws -> String {
    let places = try names.compactMap { name in
      let put = try site.store.entries(of: record(name).key).first { $0.header.operation == .put }
      return try put.flatMap { try site.store.rows(of: $0.identity).first }.map { ($0.lsn, name) }
    }
    return "  \(places.sorted { $0.0 < $1.0 }.map(\.1).joined(separator: ", "))"
  }

  /// Times are seconds after the script began, by the one true clock.
  private func stamps(of site: SimulatedSite) throws -> String {
    let own = try site.store.leaves(after: nil, limit: SimulatedWorld.noLimit)
      .filter { $0.identity.origin == site.id }
    let times = try own.compactMap { try site.store.entry($0.identity)?.header.time }
    let isDense = Set(times).count == times.count
    let seconds = [times.min(), times.max()].compactMap { $0 }.map {
      (Int64(clamping: $0.microseconds) - SimulatedWorld.epochMicroseconds) / 1_000_000
    }
    return "  \(site.id): \(times.count) stamps from \(seconds.first ?? 0) to"
      + " \(seconds.last ?? 0) s, \(isDense ? "no two equal" : "SOME EQUAL");"
      + " true time \(world.now.nanoseconds / 1_000_000_000) s"
  }

  /// What `DB-CLOCK-001` would say there.
  private func clocks(at site: SimulatedSite) -> String {
    let off = site.clockOffsets.filter { $0.value.isTooLarge }.sorted { $0.key < $1.key }
    let said = off.map { peer, offset in
      "\(peer) is at least \(offset.amount.components.seconds) s"
        + " \(offset.isAhead ? "ahead" : "behind")"
    }
    return "  \(site.id): \(said.isEmpty ? "no clock is off" : said.joined(separator: ", "))"
  }

  /// Locks and roll-backs; what one record says against another stands in `show`.
  private func alarms(at site: SimulatedSite) throws -> String {
    var heard: [String] = []
    for note in notes {
      guard let words = note.firstRange(of: " \(site.id) ") else { continue }
      let text = note[words.upperBound...]
      if text.hasPrefix("is locked") || text.hasPrefix("is unlocked") {
        heard.append("  \(site.id): \(text)")
      }
      let rollback = "  \(site.id): a log was rolled back"
      if text.hasPrefix("alarm rollbackSeen"), heard.last != rollback { heard.append(rollback) }
    }
    return heard.isEmpty ? "  none" : heard.joined(separator: "\n")
  }

  private func outcomes(_ words: Words) throws -> String {
    let site = try site(words.at(2))
    var lines: [String] = []
    for entry in try site.store.entries(of: try record(words.at(0)).key) {
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
