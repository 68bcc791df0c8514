@testable import Replication

/// The file content of a fake site: what it holds, what it has of what it wants, and the reads and
/// writes its session has asked for. Keeps count of what must hold.
struct FakeDisk {
  /// What this site can give.
  var held: [Wanted: [UInt8]] = [:]
  /// Given instead of what is held.
  var refusals: [Wanted: FileRefusal] = [:]
  /// What is on disk of what this site wants.
  var taken: [Wanted: [UInt8]] = [:]
  var requests: [SessionRequest] = []

  /// Contents of the pieces sent, in order, over all connections.
  var sentPieces: [Wanted] = []
  var sentByteCount = 0
  /// Where the pieces of this connection end.
  var sentUpTo: [Wanted: UInt64] = [:]
  /// Frames that wait for the line, oldest first, with the bytes each has left.
  var queue: [(type: MessageType, byteCount: Int)] = []
  /// The most bytes of FILE frames that an ENTRIES frame found before it, counted since the last
  /// `laneFramesPerFileFrame` frames of the lanes.
  var largestWait = 0

  mutating func connectionEnded() {
    requests = []
    sentUpTo = [:]
    queue = []
  }

  mutating func noteSent(_ message: Message, byteCount: Int) {
    if case .file(let file) = message, case .piece(let piece) = file.form {
      sentPieces.append(file.wanted)
      sentByteCount += piece.bytes.count
      sentUpTo[file.wanted] = piece.end
    }
    if case .entries = message { largestWait = max(largestWait, fileBytesQueued) }
    queue.append((message.type, byteCount))
  }

  private var fileBytesQueued: Int {
    var byteCount = 0
    var laneFrames = 0
    var largest = 0
    for frame in queue {
      if frame.type == .entries { laneFrames += 1 }
      guard frame.type == .file else { continue }
      if laneFrames >= LinkLimits().laneFramesPerFileFrame { byteCount = 0 }
      laneFrames = 0
      byteCount += frame.byteCount
      largest = max(largest, byteCount)
    }
    return largest
  }

  /// The line took so many bytes.
  mutating func noteLeft(_ byteCount: Int) {
    var left = byteCount
    while left > 0, !queue.isEmpty {
      let count = min(left, queue[0].byteCount)
      left -= count
      queue[0].byteCount -= count
      if queue[0].byteCount == 0 { queue.removeFirst() }
    }
  }

  /// The answer to the oldest request that need not wait; nil when all must.
  mutating func answerNext(queuedByteCount: Int) -> SessionInput? {
    let index = requests.firstIndex {
      guard case .readFile(_, _, _, let limit?) = $0 else { return true }
      return queuedByteCount <= limit
    }
    guard let index else { return nil }
    switch requests.remove(at: index) {
    case .readFile(let wanted, let offset, let count, _):
      if let refusal = refusals[wanted] { return .fileUnavailable(wanted, refusal) }
      guard let content = held[wanted] else { return .fileUnavailable(wanted, .notHere) }
      let bytes = Array(content.dropFirst(Int(offset)).prefix(count))
      return .fileRead(
        wanted, offset: offset, bytes: bytes, totalByteCount: UInt64(content.count))
    case .writeFile(let wanted, let offset, let bytes, _):
      taken[wanted, default: []].replaceSubrange(Int(offset)..., with: bytes)
      return .fileWritten(wanted, upTo: offset + UInt64(bytes.count))
    case .judge, .load, .loadOutcomes: return nil
    }
  }
}
