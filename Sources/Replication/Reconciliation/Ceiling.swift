/// Promise 7, for the two places that hold entries against a ceiling: what a site takes into its
/// log, and what leaves it on a link.
extension Entry {
  /// Whether an entry may go where nothing above `ceiling` may. A body that names a level of its
  /// own may go nowhere: it hides it from whoever reads headers.
  /// - Parameter read: the entry's reading, when that was done already: a body that names a level
  ///   is malformed (`EntryFacts.read`), so one that was read names none.
  package func isWithin(_ ceiling: SecrecyLevel, read: EntryReading? = nil) -> Bool {
    guard header.secrecy <= ceiling else { return false }
    if case .body = read { return true }
    return !bodyNamesSecrecy
  }

  private var bodyNamesSecrecy: Bool {
    guard let body, Self.hasSecrecyName(in: body) else { return false }
    guard let object = (try? JSONValue.parse(body))?.object else { return true }
    return object["secrecyLevel"] != nil
  }

  private static let secrecyName = Array("\"secrecyLevel\"".utf8)

  /// How far a window over the name's length may move on, by the byte at its end: to where that
  /// byte would stand next in the name (Horspool).
  private static let steps: [Int] = {
    var steps = [Int](repeating: secrecyName.count, count: 256)
    for (index, byte) in secrecyName.dropLast().enumerated() {
      steps[Int(byte)] = secrecyName.count - 1 - index
    }
    return steps
  }()

  /// Whether the bytes hold the name. Every entry comes by here twice, at send and at receive; the
  /// library's search over collections takes a thousand times as long.
  private static func hasSecrecyName(in body: [UInt8]) -> Bool {
    let (name, steps) = (secrecyName, steps)
    var end = name.count - 1
    while end < body.count {
      let start = end - (name.count - 1)
      var matched = name.count
      while matched > 0, body[start + matched - 1] == name[matched - 1] { matched -= 1 }
      if matched == 0 { return true }
      end += steps[Int(body[end])]
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
