import Replication
import Testing

extension Lab {
  /// What every kill must leave: both ends of each link agree, each of these records was put once
  /// at every site, nothing was put twice, and nothing is in conflict.
  func expectOnce(
    _ expected: some Collection<String>, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try awaitEqual()
    for site in sites {
      let puts = try putCounts(at: api(site))
      let missing = expected.filter { puts[$0] == nil }
      let repeated = puts.filter { $0.value != 1 }
      #expect(missing == [], "\(site) of \(expected.count)", sourceLocation: sourceLocation)
      #expect(repeated == [:], "\(site)", sourceLocation: sourceLocation)
      let conflicts = try api(site).get("conflicts").objects("conflicts")
      #expect(conflicts.isEmpty, "\(site)", sourceLocation: sourceLocation)
    }
  }

  /// How often each voucher and each document was put, by the change feed of the site.
  private func putCounts(at api: SiteAPI) throws -> [String: Int] {
    var counts: [String: Int] = [:]
    var token: String?
    while true {
      let page =
        try token.map { try api.get("changes", "limit", "1000", "since", $0) }
        ?? api.get("changes", "limit", "1000")
      let changes = page.objects("changes")
      if changes.isEmpty { return counts }
      for change in changes where change.text("operation") == "put" {
        guard ["finance", "document"].contains(change.text("kind")) else { continue }
        counts[change.text("recordId") ?? "", default: 0] += 1
      }
      token = page.text("next")
    }
  }
}
