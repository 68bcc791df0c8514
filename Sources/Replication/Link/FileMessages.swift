/// What a WANT asks for, by its digest: neither is ever two things.
package enum Wanted: Hashable, Sendable {
  /// The content of a file: SHA-256 of its bytes.
  case file(Digest)
  /// A log entry whose copy here is damaged, by its digest. Its content is ``Entry/wireBytes``.
  case entry(Digest)
}

extension Wanted {
  package var isEntry: Bool { if case .entry = self { true } else { false } }
}

extension Wanted: CustomStringConvertible {
  package var description: String {
    switch self {
    case .file(let digest): "file \(digest)"
    case .entry(let digest): "entry \(digest)"
    }
  }
}

/// WANT: what the sender of this message wants of a content, and how much it takes now.
///
/// A want is a series: one `.begin`, any number of `.more`, and an end, which is the `.more` that
/// says everything is taken, or a refusal, or the answer to `.withdraw`. So both sides know at each
/// message which series it belongs to, however the messages of the two directions cross: a `.more`
/// for a series the holder has refused meanwhile means nothing, and a `.begin` is always a new one.
package struct WantMessage: Hashable, Sendable {
  /// The most one WANT may ask for beyond what it says is taken: a hash chunk.
  package static let maximumWindowByteCount: UInt64 = 256 << 10

  /// What the message does to the series.
  package enum Form: Hashable, Sendable {
    case begin(FileWindow)
    case more(FileWindow)
    /// Send no more; answered by ``FileRefusal/withdrawn``, after which nothing of it comes.
    case withdraw
  }

  package var wanted: Wanted
  package var form: Form
  package init(_ wanted: Wanted, _ form: Form) {
    self.wanted = wanted
    self.form = form
  }
}

/// "I have the bytes before `taken` and take them up to `upTo`." Both only grow within a series.
package struct FileWindow: Hashable, Sendable {
  package var taken: UInt64
  package var upTo: UInt64

  /// - Precondition: `taken <= upTo`, not further apart than
  ///   ``WantMessage/maximumWindowByteCount``.
  package init(taken: UInt64, upTo: UInt64) {
    precondition(
      taken <= upTo && upTo - taken <= WantMessage.maximumWindowByteCount
        && upTo <= FilePiece.maximumTotalByteCount,
      "window from \(taken) to \(upTo)")
    self.taken = taken
    self.upTo = upTo
  }
}

/// FILE: a piece of what was wanted, or why it does not come.
package struct FileMessage: Hashable, Sendable {
  /// What the message brings.
  package enum Form: Hashable, Sendable {
    case piece(FilePiece)
    case refused(FileRefusal)
  }

  package var wanted: Wanted
  package var form: Form
  package init(_ wanted: Wanted, _ form: Form) {
    self.wanted = wanted
    self.form = form
  }
}

/// Consecutive bytes of a content.
package struct FilePiece: Hashable, Sendable {
  package static let maximumByteCount = 256 << 10
  /// Of a whole content: what an integer of canonical JSON holds, far from any overflow.
  package static let maximumTotalByteCount: UInt64 = 1 << 53

  package let offset: UInt64
  /// Of the whole content; the same in every piece.
  package let totalByteCount: UInt64
  /// A part of what they came in: the payload of a frame, or what was read of a file.
  package let bytes: ArraySlice<UInt8>

  /// - Precondition: some bytes, within the bounds of a piece and of the content.
  package init(offset: UInt64, totalByteCount: UInt64, bytes: [UInt8]) {
    self.init(offset: offset, totalByteCount: totalByteCount, bytes: bytes[...])
  }

  /// As above.
  package init(offset: UInt64, totalByteCount: UInt64, bytes: ArraySlice<UInt8>) {
    precondition((1...Self.maximumByteCount).contains(bytes.count), "\(bytes.count) bytes")
    precondition(
      offset < totalByteCount && UInt64(bytes.count) <= totalByteCount - offset
        && totalByteCount <= Self.maximumTotalByteCount,
      "\(bytes.count) bytes at \(offset) of \(totalByteCount)")
    self.offset = offset
    self.totalByteCount = totalByteCount
    self.bytes = bytes
  }

  /// The position after the last byte.
  package var end: UInt64 { offset + UInt64(bytes.count) }
}

/// Why a content does not come. Raw values are on the wire: never renumber. A code of a later
/// version decodes as `unknown`.
package enum FileRefusal: Hashable, Sendable, CustomStringConvertible {
  /// The holder does not have it (yet): ask elsewhere, or later.
  case notHere
  /// Nothing that names it is for the asker. A holder that will not say so says `notHere`.
  case notEntitled
  /// The holder's copy does not match its digest: ask elsewhere, or once it is repaired.
  case damaged
  /// It has another size than the asker was told: whoever named it lied, not the holder.
  case otherSize
  /// The holder cannot read now: ask later.
  case busy
  /// The answer to `.withdraw`.
  case withdrawn
  case unknown(UInt8)

  private static let known: [FileRefusal] = [
    .notHere, .notEntitled, .damaged, .otherSize, .busy, .withdrawn,
  ]

  package init(code: UInt8) { self = Self.known.first { $0.code == code } ?? .unknown(code) }

  package var code: UInt8 {
    switch self {
    case .notHere: 1
    case .notEntitled: 2
    case .damaged: 3
    case .otherSize: 4
    case .busy: 5
    case .withdrawn: 6
    case .unknown(let code): code
    }
  }

  package var description: String {
    switch self {
    case .notHere: "not-here"
    case .notEntitled: "not-entitled"
    case .damaged: "damaged"
    case .otherSize: "other-size"
    case .busy: "busy"
    case .withdrawn: "withdrawn"
    case .unknown(let code): "file-refusal-\(code)"
    }
  }
}
