import Glibc
import Replication

/// What clients sent and what was answered with OK, in a file of its own: the oracle of a run with
/// faults. One line each, appended with one call:
///
///     try CHANGE OWNER ADDRESSEE          before the first attempt
///     ok CHANGE ORIGIN INCARNATION SEQUENCE DIGEST      synced before the next change is made
struct ChangeLedger: Sendable {
  /// What an application calls one change: its idempotency key.
  struct Change: Hashable, Sendable, CustomStringConvertible {
    let description: String

    /// - Parameter body: holds the revision or the event's id.
    init?(_ record: RecordKey, _ body: JSONObject) {
      self.init(kind: record.kind.description, record: record.id.description, body)
    }

    /// One change of a site's feed; nil for what no application writes.
    init?(feed change: JSONObject) {
      guard let kind = change["kind"]?.text?.string, let id = change["recordId"]?.text?.string
      else { return nil }
      self.init(kind: kind, record: id, change)
    }

    fileprivate init(_ text: Substring) { description = String(text) }

    private init?(kind: String, record: String, _ object: JSONObject) {
      if let event = object["eventId"]?.text?.string {
        description = "\(kind)/\(record)/\(event)"
      } else if let revision = object["revision"]?.integer {
        description = "\(kind)/\(record)/\(revision)"
      } else {
        return nil
      }
    }
  }

  /// The place in the origin's log that an OK named.
  struct Place: Hashable, Sendable {
    let identity: String
    let digest: String
  }

  struct Attempt: Hashable, Sendable {
    let owner: SiteID
    let addressee: SiteID
    /// What the OK said; nil while there was none.
    var place: Place?

    func isEntitled(_ site: SiteID) -> Bool {
      site == owner || site == addressee || site == Workload.centre
    }
  }

  private(set) var attempts: [Change: Attempt] = [:]
  /// Changes whose OKs named different places, and places that two changes were given.
  private(set) var contradictions: [String] = []

  var acknowledgedCount: Int { attempts.values.count { $0.place != nil } }

  init(text: String) throws(BenchFailure) {
    var holders: [String: Change] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.first == "try", words.count == 4, let owner = SiteID(Array(words[2].utf8)),
        let addressee = SiteID(Array(words[3].utf8))
      {
        attempts[Change(words[1])] = Attempt(owner: owner, addressee: addressee)
      } else if words.first == "ok", words.count == 6, attempts[Change(words[1])] != nil {
        let change = Change(words[1])
        let place = Place(
          identity: words[2...4].joined(separator: "/"), digest: String(words[5]))
        if let earlier = attempts[change]?.place, earlier != place {
          contradictions.append("\(change) has two places")
        }
        if let holder = holders[place.identity], holder != change {
          contradictions.append("\(place.identity) is of \(holder) and \(change)")
        }
        holders[place.identity] = change
        attempts[change]?.place = place
      } else {
        throw BenchFailure("the ledger has a line that is none: \(line)")
      }
    }
  }

  /// - Returns: an empty ledger when there is no file.
  static func read(_ path: String) throws(BenchFailure) -> ChangeLedger {
    try ChangeLedger(text: TextFile.read(path, limit: maximumByteCount) ?? "")
  }

  /// Some ten million changes.
  private static let maximumByteCount = 2 << 30
}

/// Appends to a ledger. Any thread may.
final class LedgerWriter: Sendable {
  private let path: String
  private let file: CInt
  let failure = Failure()

  init(_ path: String) throws(BenchFailure) {
    self.path = path
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw BenchFailure("\(path): \(String(cString: strerror(errno)))") }
  }

  deinit { close(file) }

  func tried(_ change: ChangeLedger.Change, from owner: SiteID, to addressee: SiteID) {
    append("try \(change) \(owner) \(addressee)\n")
  }

  /// Synced when it returns.
  func acknowledged(_ change: ChangeLedger.Change, _ place: ChangeLedger.Place) {
    let words = place.identity.replacing("/", with: " ")
    append("ok \(change) \(words) \(place.digest)\n")
    if fdatasync(file) != 0 { fail() }
  }

  private func append(_ line: String) {
    let bytes = Array(line.utf8)
    if write(file, bytes, bytes.count) != bytes.count { fail() }
  }

  private func fail() {
    failure.record(BenchFailure("\(path): \(String(cString: strerror(errno)))"))
  }
}
