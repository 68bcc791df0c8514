/// One message of `dongbo/1`: what a frame means. Byte layouts stand at the coding of each.
package enum Message: Hashable, Sendable {
  case hello(Hello)
  case helloOK(HelloOK)
  case refuse(Refuse)
  case entries(EntriesMessage)
  case acknowledge(Acknowledgement)
  case ping(Ping)
  case want(WantMessage)
  case file(FileMessage)

  package var type: MessageType {
    switch self {
    case .hello: .hello
    case .helloOK: .helloOK
    case .refuse: .refuse
    case .entries: .entries
    case .acknowledge: .acknowledge
    case .ping: .ping
    case .want: .want
    case .file: .file
    }
  }

  /// `.normal` for messages without a lane.
  package var lane: Lane {
    switch self {
    case .hello, .helloOK, .refuse, .ping, .want, .file: .normal
    case .entries(let entries): entries.lane
    case .acknowledge(let acknowledgement): acknowledgement.lane
    }
  }
}

/// A number of the protocol's versions.
package typealias ProtocolVersion = UInt16

/// The first message of each side: who I am, what I have of your log, and where mine ends.
package struct Hello: Hashable, Sendable {
  package static let maximumSoftwareByteCount = 64
  package static let maximumExtensionByteCount = 2_048

  package var protocolMinimum: ProtocolVersion
  package var protocolMaximum: ProtocolVersion
  package var site: SiteID
  package var incarnation: Incarnation
  /// Random, one per process: tells a reconnect from a second holder of the identity.
  package var nonce: Bytes16
  package var logEnd: Checkpoint
  /// The last end of the receiver's log that the sender was told.
  package var witness: Checkpoint
  /// What the sender holds of the receiver's log.
  package var received: PerLane<CheckpointHistory>
  /// The receiver's outcomes up to this number are with the sender.
  package var outcomeCursor: UInt64
  package var registry: RegistryRevision
  /// The sender lost rows and takes its own entries back on this link.
  package var isRecovering: Bool
  /// For people; at most 64 bytes.
  package var software: String
  /// Optional fields, also those of a later version, kept verbatim: `HelloExtensions.swift`.
  package var extensions: [UInt8]

  package init(
    protocolMinimum: ProtocolVersion, protocolMaximum: ProtocolVersion, site: SiteID,
    incarnation: Incarnation, nonce: Bytes16, logEnd: Checkpoint, witness: Checkpoint,
    received: PerLane<CheckpointHistory>, outcomeCursor: UInt64, registry: RegistryRevision,
    isRecovering: Bool, software: String, extensions: [UInt8] = []
  ) {
    self.protocolMinimum = protocolMinimum
    self.protocolMaximum = protocolMaximum
    self.site = site
    self.incarnation = incarnation
    self.nonce = nonce
    self.logEnd = logEnd
    self.witness = witness
    self.received = received
    self.outcomeCursor = outcomeCursor
    self.registry = registry
    self.isRecovering = isRecovering
    self.software = software
    self.extensions = extensions
  }
}

/// The answer to a HELLO: where the sender's log will be sent from. Replaces the receiver's
/// checkpoints durably; the only way a cursor goes back.
package struct HelloOK: Hashable, Sendable {
  package var version: ProtocolVersion
  /// The nonce of the HELLO it answers.
  package var nonce: Bytes16
  /// Checkpoints of the sender's log, each one that the HELLO quoted.
  package var resume: PerLane<Checkpoint>
  /// The sender's outcomes are sent after this number. Behind the HELLO's cursor only when the
  /// sender lost rows, and its numbers with them.
  package var outcomeCursor: UInt64

  package init(
    version: ProtocolVersion, nonce: Bytes16, resume: PerLane<Checkpoint>, outcomeCursor: UInt64
  ) {
    self.version = version
    self.nonce = nonce
    self.resume = resume
    self.outcomeCursor = outcomeCursor
  }
}

/// The last message of a session that is refused or ended for a reason.
package struct Refuse: Hashable, Sendable {
  package static let maximumTextByteCount = 256

  package var code: RefusalCode
  package var text: String

  /// Keeps as many whole characters of `text` as fit in 256 bytes.
  package init(_ code: RefusalCode, _ text: String) {
    self.code = code
    self.text = text.utf8.count <= Self.maximumTextByteCount ? text : Self.shortened(text)
  }

  private static func shortened(_ text: String) -> String {
    var kept = ""
    var byteCount = 0
    for character in text {
      byteCount += character.utf8.count
      if byteCount > maximumTextByteCount { break }
      kept.append(character)
    }
    return kept
  }
}

/// The entries of `(previousLSN, checkpoint.lsn]` in one lane that the receiver is entitled to;
/// none is progress all the same.
package struct EntriesMessage: Hashable, Sendable {
  package static let maximumEntryCount = 4_096

  package var lane: Lane
  package var previousLSN: LSN
  package var entries: [Entry]
  package var checkpoint: Checkpoint

  package init(lane: Lane, previousLSN: LSN, entries: [Entry], checkpoint: Checkpoint) {
    self.lane = lane
    self.previousLSN = previousLSN
    self.entries = entries
    self.checkpoint = checkpoint
  }

  /// What the entries cost of the byte credit: header and body, or body digest in a stub.
  package var creditByteCount: Int { Self.creditByteCount(of: entries) }

  /// The same before the message is built, so that the sender can cut a batch to the credit left.
  package static func creditByteCount(of entries: [Entry]) -> Int {
    entries.reduce(0) { $0 + $1.headerBytes.count + ($1.body?.count ?? 32) }
  }
}

/// What may be in flight in a lane beyond the acknowledged checkpoint.
package struct Credit: Hashable, Sendable {
  package var entries: UInt32
  package var bytes: UInt32
  package init(entries: UInt32, bytes: UInt32) {
    self.entries = entries
    self.bytes = bytes
  }
  package static let zero = Credit(entries: 0, bytes: 0)
}

/// What is durable at the sender of this message, and what the receiver may still send.
package struct Acknowledgement: Hashable, Sendable {
  package static let maximumOutcomeCount = 1_024

  package var lane: Lane
  /// The durable cursor in the receiver's log.
  package var checkpoint: Checkpoint
  package var credit: Credit
  /// The receiver's outcomes up to this number are durable here.
  package var outcomeCursor: UInt64
  /// Number of the sender's last outcome for the receiver when `checkpoint` became durable: once
  /// the receiver has taken so many, it knows what became of everything up to `checkpoint`.
  package var outcomesEnd: UInt64
  /// Token of the last PING that came; 0 when none has.
  package var pingToken: UInt64
  /// The end of the sender's own log.
  package var logEnd: Checkpoint
  /// Number of the first of `outcomes`; 0 when there are none.
  package var firstOutcomeNumber: UInt64
  package var outcomes: [Outcome]

  package init(
    lane: Lane, checkpoint: Checkpoint, credit: Credit, outcomeCursor: UInt64,
    outcomesEnd: UInt64, pingToken: UInt64, logEnd: Checkpoint, firstOutcomeNumber: UInt64 = 0,
    outcomes: [Outcome] = []
  ) {
    self.lane = lane
    self.checkpoint = checkpoint
    self.credit = credit
    self.outcomeCursor = outcomeCursor
    self.outcomesEnd = outcomesEnd
    self.pingToken = pingToken
    self.logEnd = logEnd
    self.firstOutcomeNumber = firstOutcomeNumber
    self.outcomes = outcomes
  }
}

/// Asks for a sign of life; answered by an ACK in the normal lane that quotes the token.
package struct Ping: Hashable, Sendable {
  /// Above 0, ascending within a session.
  package var token: UInt64
  package var logEnd: Checkpoint
  package init(token: UInt64, logEnd: Checkpoint) {
    self.token = token
    self.logEnd = logEnd
  }
}
