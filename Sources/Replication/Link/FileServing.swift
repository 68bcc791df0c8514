/// The contents the peer wants of this site: each in its turn, one read at a time.
struct FileServing: Hashable, Sendable {
  struct InFlight: Hashable, Sendable {
    let end: UInt64
    let byteCount: Int
    let mark: LineRate.Mark
  }

  /// `taken <= sent`, and `sent` not beyond the greatest `upTo` nor the end.
  struct Place: Hashable, Sendable {
    let wanted: Wanted
    fileprivate(set) var taken: UInt64
    fileprivate(set) var sent: UInt64
    fileprivate(set) var upTo: UInt64
    /// Of the whole content; nil before the first read.
    fileprivate(set) var totalByteCount: UInt64?
    fileprivate(set) var inFlight: [InFlight] = []

    fileprivate init(_ wanted: Wanted, _ window: FileWindow) {
      self.wanted = wanted
      taken = window.taken
      sent = window.taken
      upTo = window.upTo
    }

    /// What to read next; 0 for nothing. A piece is not cut to the rest of a window while more of
    /// it is on its way: otherwise pieces once small would stay small.
    fileprivate func nextByteCount(_ frameByteCount: Int) -> Int {
      let end = min(upTo, totalByteCount ?? .max)
      guard sent < end else { return 0 }
      let wholeByteCount = wholeByteCount(frameByteCount)
      let count = Int(min(UInt64(wholeByteCount), end - sent))
      let isWhole = count == wholeByteCount || sent + UInt64(count) == totalByteCount
      return isWhole || inFlight.isEmpty ? count : 0
    }

    /// As much as the frame holds and, where that is more than a page, ends where a power of two
    /// does. Both ends keep files in pages, in runs of them that begin at such powers: a piece that
    /// begins elsewhere costs the receiver's kernel half as much again.
    private func wholeByteCount(_ frameByteCount: Int) -> Int {
      guard frameByteCount >= FileServing.pageByteCount else { return frameByteCount }
      let unit = UInt64(1) << UInt64(UInt64.bitWidth - 1 - frameByteCount.leadingZeroBitCount)
      return Int((sent + UInt64(frameByteCount)) / unit * unit - sent)
    }
  }

  struct Read: Hashable, Sendable {
    let wanted: Wanted
    let offset: UInt64
    let byteCount: Int
  }

  private static let pageByteCount = 4 << 10

  /// In the order of their turns.
  private(set) var places: [Place] = []
  /// The one read that the shell has not answered.
  private(set) var reading: Read?

  var hasFramesInFlight: Bool { places.contains { !$0.inFlight.isEmpty } }

  // MARK: What the peer says

  /// - Returns: the frames that have arrived, by this message.
  mutating func wanted(
    _ message: WantMessage, limits: LinkLimits, output: inout StepOutput
  ) throws(LinkViolation) -> [InFlight] {
    let index = places.firstIndex { $0.wanted == message.wanted }
    switch message.form {
    case .begin(let window):
      guard index == nil else { throw .wantedTwice }
      guard places.count < limits.filesAtOnce else { throw .tooManyWants }
      places.append(Place(message.wanted, window))
      return []
    case .more(let window):
      // Of a series that was refused while this was on its way.
      guard let index else { return [] }
      return try slide(index, window)
    case .withdraw:
      if let index { places.remove(at: index) }
      output.sendNow.append(.file(FileMessage(message.wanted, .refused(.withdrawn))))
      return []
    }
  }

  private mutating func slide(
    _ index: Int, _ window: FileWindow
  ) throws(LinkViolation) -> [InFlight] {
    let place = places[index]
    guard window.taken >= place.taken, window.upTo >= place.upTo else {
      throw .wantGoesBack(window.taken, after: place.taken)
    }
    guard window.taken <= place.sent else { throw .wantBeyondSent(window.taken, sent: place.sent) }
    let arrivedCount = place.inFlight.prefix { $0.end <= window.taken }.count
    let arrived = Array(place.inFlight.prefix(arrivedCount))
    if window.taken == place.totalByteCount {
      places.remove(at: index)
    } else {
      places[index].taken = window.taken
      places[index].upTo = window.upTo
      places[index].inFlight.removeFirst(arrivedCount)
    }
    return arrived
  }

  // MARK: Reading and sending

  /// The next read, and its content's turn passes; nil when there is none, or one is under way.
  mutating func nextRead(frameByteCount: Int, onlyEntries: Bool = false) -> Read? {
    guard reading == nil else { return nil }
    for (index, place) in places.enumerated() where !onlyEntries || place.wanted.isEntry {
      let count = place.nextByteCount(frameByteCount)
      guard count > 0 else { continue }
      places.append(places.remove(at: index))
      reading = Read(wanted: place.wanted, offset: place.sent, byteCount: count)
      return reading
    }
    return nil
  }

  /// The answer to the read.
  /// - Returns: the piece to send, or the refusal; nil when it is not wanted any more.
  mutating func read(
    _ answered: Wanted, offset: UInt64, bytes: [UInt8], totalByteCount: UInt64,
    mark: LineRate.Mark
  ) -> FileMessage? {
    let read = endRead(of: answered)
    precondition(read.offset == offset, "read at \(offset), asked at \(read.offset)")
    let left = totalByteCount > offset ? totalByteCount - offset : 0
    precondition(
      UInt64(bytes.count) == min(UInt64(read.byteCount), left),
      "\(bytes.count) bytes at \(offset) of \(totalByteCount), asked for \(read.byteCount)")
    guard let index = current(read) else { return nil }
    guard !bytes.isEmpty else { return refuse(index, .otherSize) }
    let place = places[index]
    guard totalByteCount == place.totalByteCount ?? totalByteCount else {
      return refuse(index, .damaged)
    }
    let piece = FilePiece(offset: offset, totalByteCount: totalByteCount, bytes: bytes)
    places[index].totalByteCount = totalByteCount
    places[index].sent = piece.end
    places[index].inFlight.append(
      InFlight(end: piece.end, byteCount: bytes.count, mark: mark))
    return FileMessage(answered, .piece(piece))
  }

  /// - Returns: the refusal to send; nil when it is not wanted any more.
  mutating func unavailable(_ answered: Wanted, _ reason: FileRefusal) -> FileMessage? {
    precondition(reason != .withdrawn, "only the peer withdraws")
    return current(endRead(of: answered)).map { refuse($0, reason) }
  }

  private mutating func endRead(of answered: Wanted) -> Read {
    guard let read = reading, read.wanted == answered else {
      preconditionFailure("\(answered) read unasked")
    }
    reading = nil
    return read
  }

  /// The place the read was for; nil when its series ended meanwhile, even when another has begun.
  private func current(_ read: Read) -> Int? {
    places.firstIndex { $0.wanted == read.wanted && $0.sent == read.offset }
  }

  private mutating func refuse(_ index: Int, _ reason: FileRefusal) -> FileMessage {
    FileMessage(places.remove(at: index).wanted, .refused(reason))
  }
}
