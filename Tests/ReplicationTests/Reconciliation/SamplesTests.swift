import Storage
import Testing

@testable import Replication

/// The customer's samples, written where they belong and delivered in random order.
///
/// Kills: an audience too wide or too narrow anywhere in `route`, `summary` or the kinds' facts.
@Suite struct SamplesAcrossSitesTests {
  @Test(arguments: 0..<6) func everySampleIsWhereItBelongs(seed: UInt64) throws {
    var network = try TestNetwork(seed: seed)
    // Later revisions after earlier ones; a lead's events come after what makes it the lead.
    for sample in (Sample.earlier + Sample.documents + Sample.directives + Sample.finance)
      .sorted(by: { ($0.put["revision"]?.integer ?? 0) < ($1.put["revision"]?.integer ?? 0) })
    {
      try network.settleSometimes()
      try network[sample.owner].write(try sample.readPut())
      for append in sample.appends {
        // Who answers has heard what it answers.
        let answers: [JSONValue?] = ["extensionDecided", "completionConfirmed"]
        let isAnswer = answers.contains(append.json["type"])
        if append.author != sample.owner || isAnswer || network.random.chance(50) {
          try network.settle()
        }
        try network[append.author].takeFiles()
        try network[append.author].write(try sample.readAppend(append))
      }
    }
    try network.settle()
    for id in TestNetwork.provinces {
      #expect(try network.difference(TestNetwork.centre, id) == [])
    }
    for sample in Sample.all {
      let put = try sample.readPut()
      // The words of the rules, not of the code: owner, centre, and whom the body addresses.
      var entitled: Set<SiteID> = [sample.owner, TestNetwork.centre]
      if sample.kind != .finance {
        let bodies = Sample.all.filter { $0.id == sample.id }.map(\.put)
        for body in bodies {
          for organ: Text in ["from", "assigningOrgan", "monitoringOrgan", "leadOrgan"] {
            entitled.formUnion([body.organSite(organ)].compactMap { $0 })
          }
          for list: Text in ["to", "coordinatingOrgans"] {
            entitled.formUnion(body.organSites(list))
          }
        }
        // What revokes a document goes wherever that went.
        for target in put.facts.references where target.spreadsAudience {
          for revoked in Sample.all where try revoked.readPut().facts.names.contains(target.key) {
            entitled.formUnion([revoked.owner] + revoked.put.organSites("to"))
          }
        }
        let leads = Sample.all.filter { $0.id == sample.id }.flatMap(\.appends)
        entitled.formUnion(leads.compactMap { $0.json.site("leadSite") })
      }
      for id in TestNetwork.everyone {
        let isHere = try network[id].content(put.record) != nil
        #expect(isHere == entitled.contains(id), "\(sample) at \(id)")
      }
      guard let derived = sample.derived, let day = derived.date("asOf") else { continue }
      for id in entitled {
        let content = try network[id].content(put.record, asOf: day)?.json
        for name: Text in ["state", "timeliness", "effectiveDueDate", "percentComplete"] {
          #expect(content?["derived"]?.object?[name] == derived[name], "\(sample) at \(id)")
        }
      }
    }
    #expect(network.sites.values.allSatisfy { $0.alarms.isEmpty })
    #expect(
      try network.sites.values.allSatisfy {
        try $0.store.waitingEntries(skip: 0, limit: .max).isEmpty
      })
  }
}
