import Replication
import Transport

/// What a write is answered with. Every write has one, so it is written without being built first.
struct WriteAnswer: Sendable {
  let record: RecordKey
  let subject: Subject
  let authored: Authored
  /// Of the files that the entry names, those whose content is not here.
  let pendingFileCount: Int

  /// What the centre did with the entry, for a caller who waits for that.
  struct AtCentre: Hashable, Sendable {
    let state: String
    let code: String

    init(_ state: OutcomeState, _ code: OutcomeCode) {
      self.init(state: state.description, code: code.description)
    }

    private init(state: String, code: String) {
      self.state = state
      self.code = code
    }

    static let busy = AtCentre(state: "unknown", code: "busy")
    static let durableHereOnly = AtCentre(state: "unknown", code: "durable-here-only")
  }

  func response(_ centre: AtCentre? = nil) -> HTTPResponse { .json(bytes: json(centre)) }

  func json(_ centre: AtCentre? = nil) -> [UInt8] {
    var object = CanonicalObjectWriter(reserving: 512)
    if let centre {
      var inner = CanonicalObjectWriter(reserving: 64)
      inner.add("code", centre.code)
      inner.add("state", centre.state)
      object.add("centre", canonical: inner.bytes)
    }
    object.add("code", authored.code.description)
    object.add("digest", authored.digest.description)
    if case .event(let event) = subject { object.add("eventId", event.description) }
    if pendingFileCount > 0 { object.add("filesPending", Int64(pendingFileCount)) }
    object.add("incarnation", authored.identity.incarnation.description)
    object.add("kind", record.kind.description)
    object.add("lane", authored.lane.description)
    object.add("origin", authored.identity.origin.description)
    object.add("recordId", record.id.description)
    object.add("repeat", authored.isRepeat)
    if case .revision(let revision) = subject {
      object.add("revision", Int64(clamping: revision.value))
    }
    object.add("sequence", Int64(clamping: authored.identity.sequence.value))
    object.add("state", authored.state.description)
    return object.bytes
  }
}
