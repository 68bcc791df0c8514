import Replication
import Storage

/// O4 against the reference model: what each site shows of each record, and who holds what.
extension SimulatedWorld {
  func judgeByModel() throws(StoreError) {
    let day = CalendarDate(localDayOf: centre.wallTime)
    var everything: [EntryIdentity: Entry] = [:]
    for site in sites where members.contains(site.id) {
      let held = try heldEntries(at: site)
      for entry in held { everything[entry.identity] = entry }
      let model = ReferenceModel(held, at: site.id, centre: centre.id, asOf: day)
      try judgeRecords(at: site, by: model)
    }
    let whole = ReferenceModel(
      everything.values.sorted { $0.identity < $1.identity }, at: centre.id, centre: centre.id,
      asOf: day)
    try judgeAudience(by: whole)
  }

  private func heldEntries(at site: SimulatedSite) throws(StoreError) -> [Entry] {
    var entries: [Entry] = []
    for leaf in try leaves(of: site) {
      if let entry = try site.store.entry(leaf.identity) { entries.append(entry) }
    }
    return entries
  }

  private func judgeRecords(
    at site: SimulatedSite, by model: ReferenceModel
  ) throws(StoreError) {
    var sums: [String: Int64] = [:]
    for record in model.entries.keys.sorted() {
      let held = HeldRecord(record, entries: try site.store.entries(of: record))
      let content = try RecordContent(
        held, asOf: model.day, site: site.id, centre: centre.id, in: site.store)
      var json = content?.json ?? JSONObject()
      let summary = try site.store.summary(of: record)
      json["held"] = .object([
        "duplicateKey": .bool(summary?.conflicts.contains(.duplicateKey) == true),
        "waits": .bool(summary?.holds.contains(.referenceMissing) == true),
      ])
      let said = model.statements(of: record)
      if said.isEmpty, content != nil, record.kind != .registry {
        fail("O4: \(record): the model shows nothing, \(site.id) does")
      }
      for (path, expected) in said.sorted(by: { $0.key < $1.key }) {
        let found = Self.value(at: path.split(separator: ".")[...], in: .object(json))
        guard found != expected else { continue }
        fail(
          "O4: \(record), \(path): the model says \(Self.text(expected)),"
            + " \(site.id) says \(Self.text(found))")
      }
      if record.kind == .finance { ReferenceModel.add(json, to: &sums) }
    }
    for account in Set(sums.keys).union(model.totals.keys).sorted()
    where sums[account] != model.totals[account] {
      fail(
        "O4: total of \(account): the model says \(model.totals[account] ?? 0),"
          + " \(site.id) says \(sums[account] ?? 0)")
    }
  }

  /// `a.b[].c`: `c` of each item of the list `b` in `a`; null where nothing is.
  private static func value(at path: ArraySlice<Substring>, in value: JSONValue) -> JSONValue {
    guard let name = path.first else { return value }
    guard name.hasSuffix("[]") else {
      let next = value.object?[Text(name)] ?? .null
      return Self.value(at: path.dropFirst(), in: next)
    }
    guard let items = value.object?[Text(name.dropLast(2))]?.array else { return .null }
    return .array(items.map { Self.value(at: path.dropFirst(), in: $0) })
  }

  private static func text(_ value: JSONValue) -> String {
    String(decoding: value.canonicalBytes, as: UTF8.self)
  }

  private func judgeAudience(by model: ReferenceModel) throws(StoreError) {
    for (_, entries) in model.entries.sorted(by: { $0.key < $1.key }) {
      for entry in entries where entry.kind != .registry {
        let audience = model.audience(of: entry)
        for site in sites where members.contains(site.id) {
          let isHeld = try site.store.digest(of: entry.identity) != nil
          let isFor = audience.contains(site.id.description)
          // What a restore took may have sent an entry further than what is left of it says.
          guard isHeld != isFor, isFor || restoreCount == 0 else { continue }
          fail(
            "O4: \(entry.operation) \(entry.type) \(entry.identity) of \(entry.record):"
              + " the model says it is \(isFor ? "" : "not ")for \(site.id),"
              + " which \(isHeld ? "holds it" : "does not hold it")")
        }
      }
    }
  }
}
