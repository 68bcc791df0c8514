import Replication
import Storage

@testable import Simulation

/// Runs one script: a world, commands in plain words, and what each of them shows.
///
/// | command | what it does and shows |
/// |---|---|
/// | `provinces N [late]` | a centre and N provinces; `late`: the last is not in the registry yet |
/// | `register SITE` | the centre's next registry names the province |
/// | `document NAME FROM -> SITE...` | a document; shows the answer, as every write does |
/// | ... `[urgent] [recalls NAME]` | its lane; the document that it takes back |
/// | ... `[number N] [type CODE] [secrecy LEVEL]` | what else stands on it |
/// | `burst COUNT FROM -> SITE [normal]` | so many documents, urgent unless it says otherwise |
/// | `receipt NAME [CODE] by SITE [saying TEXT]` | a receipt of a document, 01 without a code |
/// | `sign NAME`, `stamp NAME` | the owner adds both signatures; a time-stamp token to each |
/// | `address NAME -> SITE` | the owner adds a late addressee |
/// | `directive NAME FROM -> LEAD [source NAME] [due DATE]` | a task |
/// | `event NAME TYPE by SITE [FIELD=VALUE...]` | an event of a directive |
/// | ... `[as EVENT]` | a name for it; as a VALUE, `@EVENT` is its id |
/// | `voucher NAME SITE number N amount A` | a voucher |
/// | ... `[month YYYY-MM] [adjusts NAME]` | its period; the voucher that it corrects, even a later one |
/// | `closing NAME SITE month YYYY-MM count N last NUMBER` | a closing of the month |
/// | ... `[to SITE]` | a handover to the site instead |
/// | `asset NAME SITE cost A` | an asset card |
/// | `movement NAME TYPE by SITE amount A` | a movement of an asset |
/// | ... `[to SITE] [as EVENT] [answers EVENT]` | where it goes; a name; the half that it answers |
/// | `decide NAME keep NAME` | the owner ends a conflict |
/// | `verdict NAME at SITE STATE REASON` | what the verifier there finds of each signature |
/// | `file NAME at SITE here/pending` | the attached content came, or must come again |
/// | `deliver NAME to SITE` | the record's put comes by itself, ahead of what precedes it |
/// | `smuggle NAME FROM to SITE in header/body` | an entry marked `mat`, as no site should make it |
/// | `clock SITE MINUTES` | its wall clock is so far ahead from now on |
/// | `cut SITE`, `heal SITE` | the province's line |
/// | `backup SITE`, `restore SITE kept/lost/wentBackToo` | an older copy of its disk and witness |
/// | `wait SECONDS` | time passes |
/// | `settle` | until nothing is on its way; shows what the oracles find |
/// | `show SITE` | the named records there |
/// | `standing NAME at SITE` | the record's signatures and file there |
/// | `order SITE` | the named records in the order in which their puts came there |
/// | `stamps SITE...` | first and last time of each site's own entries; whether two are equal |
/// | `alarms SITE` | locks and roll-backs that its operator was told of |
/// | `clocks SITE...` | what each knows of its peers' clocks, where it would warn |
/// | `outcomes NAME at SITE` | what other sites did with the record's entries |
/// | `held SITE` | how many entries had to wait for their registry there so far |
/// | `digest` | whether each pair agrees |
final class Script {
  struct Named {
    let key: RecordKey
    let owner: SimulatedSite
    /// The name of a document; empty for other kinds.
    var documentID: Text = ""
  }

  var world = SimulatedWorld(seed: 1, provinceCount: 1)
  var records: [String: Named] = [:]
  /// In the order in which the script names them.
  var names: [String] = []
  /// Ids of the events that the script names, as texts of a body.
  var events: [String: JSONValue] = [:]
  /// Ids of vouchers that an adjustment named before they were written.
  var announced: [String: UniqueID] = [:]
  private(set) var lastID: UInt64 = 0
  private var backups: [SiteID: Backup] = [:]
  /// What sites noted about entries that did not simply apply, and about themselves.
  var notes: [String] = []
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
    let rest = Words(all: Array(words.dropFirst()))
    switch verb {
    case "provinces": return try begin(rest)
    case "register": return try register(rest)
    case "document", "burst", "receipt", "sign", "stamp", "address", "directive", "event",
      "voucher", "closing", "asset", "movement":
      return try write(verb, rest)
    case "decide": return try decide(rest)
    case "verdict", "file", "deliver", "smuggle": return try happen(verb, rest)
    case "clock":
      let minutes = Int64(try rest.at(1)) ?? 0
      try site(rest.at(0)).clock.offsetMicroseconds = minutes * 60_000_000
    case "cut": try line(rest).cut()
    case "heal": try line(rest).heal()
    case "backup": backups[try site(rest.at(0)).id] = world.backUp(try site(rest.at(0)))
    case "restore": return try restore(rest)
    case "wait": world.run(for: .seconds(Int(try rest.at(0)) ?? 1))
    case "settle": return settle()
    case "show", "standing", "order", "stamps", "alarms", "outcomes", "held", "clocks",
      "digest":
      return try show(verb, rest)
    default: throw ScriptError(description: "unknown command \(verb)")
    }
    return ""
  }

  // MARK: Words

  func site(_ name: String) throws -> SimulatedSite {
    guard let site = SiteID(name).flatMap({ world.site($0) }) else {
      throw ScriptError(description: "no site \(name)")
    }
    return site
  }

  private func line(_ words: Words) throws -> SimulatedLine {
    world.line(of: try site(words.at(0)).id)
  }

  func record(_ name: String) throws -> Named {
    guard let record = records[name] else { throw ScriptError(description: "no record \(name)") }
    return record
  }

  func nextID() -> UniqueID {
    lastID += 1
    return UniqueID(Bytes16(high: 0xD00D, low: lastID))
  }

  // MARK: World

  private func begin(_ words: Words) throws -> String {
    world = SimulatedWorld(
      seed: 1, provinceCount: Int(try words.at(0)) ?? 1,
      lateProvinceCount: words.has("late") ? 1 : 0)
    let kept = ["has an entry from", "is handed an entry", " alarm ", " is locked", " is unlocked"]
    world.listen { [weak self] event in
      if kept.contains(where: { event.contains($0) }) { self?.notes.append(event) }
    }
    world.start()
    world.run(for: .seconds(1))
    return world.sites.map(\.id.description).joined(separator: " ")
  }

  private func register(_ words: Words) throws -> String {
    world.addMember(try site(words.at(0)).id)
    world.run(for: .seconds(3))
    return "registry \(try world.centre.store.siteState().registry)"
  }

  private func restore(_ words: Words) throws -> String {
    let site = try site(words.at(0))
    let kind = try words.at(1)
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
}
