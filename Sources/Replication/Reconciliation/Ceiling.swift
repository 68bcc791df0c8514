/// Promise 7, for the two places that hold entries against a ceiling: what a site takes into its
/// log, and what leaves it on a link.
extension Entry {
  /// Whether an entry may go where nothing above `ceiling` may. A body that names a level of its
  /// own may go nowhere: it hides it from whoever reads headers.
  package func isWithin(_ ceiling: SecrecyLevel) -> Bool {
    header.secrecy <= ceiling && !bodyNamesSecrecy
  }

  private var bodyNamesSecrecy: Bool {
    guard let body, Self.hasName(Self.secrecyName, in: body) else { return false }
    guard let object = (try? JSONValue.parse(body))?.object else { return true }
    return object["secrecyLevel"] != nil
  }

  private static let secrecyName = Array("\"secrecyLevel\"".utf8)

  /// Whether the bytes hold `name`. A plain loop: the library's search over collections takes a
  /// thousand times as long, and every entry comes by here.
  private static func hasName(_ name: [UInt8], in body: [UInt8]) -> Bool {
    guard body.count >= name.count else { return false }
    var start = 0
    while start <= body.count - name.count {
      var matched = 0
      while matched < name.count, body[start + matched] == name[matched] { matched += 1 }
      if matched == name.count { return true }
      start += 1
    }
    return false
  }
}

extension RowBatch {
  /// The first entry that may not leave on a link with this ceiling: the second check, at send.
  ///
  /// None should be in a log, so one that is means a fault of ours or a tampered store. The shell
  /// stops the link and says which entry; it never leaves it out and goes on (promise 5), and no
  /// entry of the batch is sent.
  package func firstEntry(above ceiling: SecrecyLevel) -> Entry? {
    entries.first { !$0.isWithin(ceiling) }
  }
}
