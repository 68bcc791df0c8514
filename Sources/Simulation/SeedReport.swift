import Replication

/// How a seed went.
package struct SeedReport: Sendable {
  package let run: SeedRun
  /// What must not have happened; empty when all is well.
  package private(set) var failures: [String]
  /// Equal in every run of the same seed, sites, operations and faults.
  package private(set) var traceHash: UInt64 = 0
  package private(set) var eventCount = 0
  package private(set) var okCount = 0
  package private(set) var refusedCount = 0
  /// Acknowledged writes that a restore took from every store at once.
  package private(set) var lostCount = 0
  package private(set) var virtualTime: Duration = .zero
  package private(set) var injected = Tally<Fault>()
  package private(set) var symptoms = Tally<Symptom>()
  package private(set) var diskMishaps = Tally<DiskMishap>()

  init(_ run: SeedRun, _ world: SimulatedWorld) {
    self.run = run
    failures = world.failures
    traceHash = world.trace.hash
    eventCount = world.eventCount
    okCount = world.clients.okCount
    refusedCount = world.clients.refusedCount
    lostCount = world.ledger.lost.count
    virtualTime = world.now - Instant(nanoseconds: 0)
    injected = world.injected
    symptoms = world.symptoms
    diskMishaps = world.diskMishaps
  }

  /// Of a run that ended its process: nobody counted anything.
  package init(_ run: SeedRun, trappedWith code: Int32) {
    self.run = run
    failures = ["the process ended with \(code): a trap, or killed"]
  }

  package var isGood: Bool { failures.isEmpty }

  mutating func fail(_ text: String) { failures.append(text) }

  /// One line.
  package var summary: String {
    "seed \(run.seed): \(isGood ? "ok" : "FAILED")  sites \(run.siteCount)  ok \(okCount)"
      + "  refused \(refusedCount)  lost \(lostCount)  events \(eventCount)"
      + "  virtual \(virtualTime.components.seconds) s"
      + "  faults \(injected.listed.reduce(0) { $0 + $1.count })"
      + "  trace \(String(traceHash, radix: 16))"
  }

  // MARK: JSON

  /// One line, an object.
  package var json: String {
    let object: JSONObject = [
      "seed": .string(Text("\(run.seed)")), "good": .bool(isGood),
      "sites": .integer(Int64(run.siteCount)),
      "operations": .integer(Int64(run.operationCount)),
      "faults": .array(run.faults.map { .string(Text($0.rawValue)) }),
      "ok": .integer(Int64(okCount)), "refused": .integer(Int64(refusedCount)),
      "lost": .integer(Int64(lostCount)), "events": .integer(Int64(eventCount)),
      "virtualSeconds": .integer(virtualTime.components.seconds),
      "trace": .string(Text(String(traceHash, radix: 16))),
      "injected": injected.json, "symptoms": symptoms.json,
      "disks": diskMishaps.json,
      "failures": .array(failures.prefix(20).map { .string(Text($0)) }),
      "replay": .string(Text(run.command)),
    ]
    return JSONValue.object(object).line
  }

  /// - Returns: nil when the line is not one of ``json``.
  package init?(json line: String) {
    guard let object = (try? JSONValue.parse(Array(line.utf8)))?.object,
      let seed = object["seed"]?.text.flatMap({ UInt64($0.string) }),
      let names = object["faults"]?.array?.compactMap(\.text?.string),
      let sites = object.count("sites"), let operations = object.count("operations"),
      let failures = object["failures"]?.array, let hash = object["trace"]?.text
    else { return nil }
    run = SeedRun(
      seed: seed, siteCount: sites, operationCount: operations,
      faults: names.compactMap { Fault(rawValue: $0) })
    self.failures = failures.compactMap(\.text?.string)
    traceHash = UInt64(hash.string, radix: 16) ?? 0
    okCount = object.count("ok") ?? 0
    refusedCount = object.count("refused") ?? 0
    lostCount = object.count("lost") ?? 0
    eventCount = object.count("events") ?? 0
    virtualTime = .seconds(object.count("virtualSeconds") ?? 0)
    injected = Tally(object["injected"])
    symptoms = Tally(object["symptoms"])
    diskMishaps = Tally(object["disks"])
  }
}

extension JSONObject {
  fileprivate func count(_ name: Text) -> Int? { self[name]?.integer.map { Int($0) } }
}

extension JSONValue {
  /// One line of text.
  var line: String { String(decoding: canonicalBytes, as: UTF8.self) }
}

extension Tally {
  var json: JSONValue {
    var object = JSONObject()
    for (name, count) in listed { object[Text(name)] = .integer(Int64(count)) }
    return .object(object)
  }

  fileprivate init(_ json: JSONValue?) {
    for member in json?.object?.members ?? [] {
      guard let kind = Kind(rawValue: member.key.string), let count = member.value.integer
      else { continue }
      counts[kind] = Int(count)
    }
  }
}
