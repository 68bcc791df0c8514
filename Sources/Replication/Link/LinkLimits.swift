/// Every bound of a session, with the values a daemon runs with.
package struct LinkLimits: Hashable, Sendable {
  /// From the opening of the session.
  package var helloTimeout: Duration = .seconds(5)
  package var helloOKTimeout: Duration = .seconds(10)
  /// Nothing heard for so long: PING.
  package var pingInterval: Duration = .seconds(15)
  /// Nothing heard for so long: the peer is gone.
  package var silenceTimeout: Duration = .seconds(45)
  /// Then the session closes, so that certificates and pins are looked at again.
  package var sessionLife: Duration = .seconds(12 * 3600)

  /// What a side may send in a lane before it has heard of any credit.
  package var initialCredit = Credit(entries: 64, bytes: 64 << 10)
  /// What this side lets be in flight in each lane; never below `initialCredit`. Enough for a line
  /// of 100 Mbit/s and 600 ms, 7.5 MB there, with entries that compress to a quarter.
  package var creditWindow = Credit(entries: 65_536, bytes: 32 << 20)
  /// Frames of the peer in a lane that are taken but not yet durable; more breaks the protocol.
  package var uncommittedFrames = 128
  /// While more than this waits to be written to the connection, the shell reads nothing from it:
  /// a peer that sends and never reads costs no more.
  package var outputByteCount = 4 << 20
  /// Frames of entries that are let be in flight on any line, both lanes together; a lane whose
  /// turn it is has some of its own besides.
  package var framesInFlight = 8
  /// More are, as long as an answer takes no more than so many of the shortest round trips.
  package var growingRoundTrips = 3
  /// The window of a line grows by so many times what has arrived: threefold in a round trip.
  package var windowGrowth = 2
  /// And at most; with a lane's own not above the peer's `uncommittedFrames`.
  package var mostFramesInFlight = 126
  package var framesInFlightOfItsOwn = 2
  /// The normal lane loads no further while more than this, or than a frame, still waits for the
  /// line: the next frame's lane is chosen when the line is nearly free (design.md section 4).
  package var queuedByteCount = 128 << 10
  /// After so many urgent frames in a row a waiting normal one goes first.
  package var urgentFramesInARow = 8

  /// Header and body bytes of one ENTRIES frame; a single larger entry goes alone.
  package var firstFrameByteCount = 8 << 10
  package var smallestFrameByteCount = 1 << 10
  package var largestFrameByteCount = 256 << 10
  /// A frame grows towards what the line was seen to carry in this time.
  package var frameDuration: Duration = .milliseconds(200)

  /// Rows that one load looks at, and rows passed over before progress without data is sent.
  package var scannedRows = 1_024
  /// Progress without data is sent at most so often in a lane.
  package var emptyProgressInterval: Duration = .milliseconds(100)
  /// Where the peer's log ends and what it acknowledged are written at most so often.
  package var progressWriteInterval: Duration = .seconds(1)
  /// Outcomes in one ACK, and at most so many sent but not taken.
  package var outcomesPerMessage = 256

  /// Contents (files, entries under repair) wanted at once, and served at once to the peer, which
  /// takes turns among them. A peer that wants more breaks the protocol: the same at both ends.
  package var filesAtOnce = 4
  /// What may be asked for and not yet written, for all contents wanted on a link together: one
  /// hash chunk, so that a cut costs no more than one sent again, whatever is cut.
  package var fileWindowByteCount = 256 << 10
  /// Bytes of content in one FILE frame: half the window, so that a fast line is busy while the
  /// receiver writes, and each turn of all the threads on the way brings as much as it may; on a
  /// slow line the frames of the lanes set the measure.
  package var largestFileFrameByteCount = 128 << 10
  /// While the lanes have entries to send, a FILE frame goes after so many of their frames: a file
  /// waits long for a catch-up of hours, but not until its end.
  package var laneFramesPerFileFrame = 8

  package init() {}
}

/// The versions of the protocol that this build speaks. Version 2 is version 1 and WANT and FILE.
package enum ProtocolRange {
  package static let minimum: ProtocolVersion = 1
  package static let maximum: ProtocolVersion = 2
  /// A peer of an earlier version gets no WANT, and breaks the protocol by sending one.
  package static let firstWithFiles: ProtocolVersion = 2

  /// The highest version both sides speak; nil when there is none.
  package static func common(with hello: Hello) -> ProtocolVersion? {
    let highest = min(maximum, hello.protocolMaximum)
    return highest >= max(minimum, hello.protocolMinimum) ? highest : nil
  }
}
