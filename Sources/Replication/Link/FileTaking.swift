/// The contents this site wants of the peer: windows that slide as its disk takes the bytes.
///
/// Whatever is wanted, at most ``LinkLimits/fileWindowByteCount`` bytes in all are asked for and
/// not yet written. Each content has an equal share of that; what a newcomer lacks of its share
/// comes free as the others' windows, asked for earlier, run dry.
struct FileTaking: Hashable, Sendable {
  struct Place: Hashable, Sendable {
    let wanted: Wanted
    var series: Series
  }

  enum Series: Hashable, Sendable {
    /// -> withdrawing; gone when all is written, or on a refusal
    case taking(Window)
    /// The peer has not confirmed; what comes of the series until then is dropped.
    /// -> taking `next`, when it was wanted again meanwhile; else gone
    case withdrawing(outstanding: UInt64, next: Ask?)
  }

  struct Ask: Hashable, Sendable {
    /// As whoever named the content says; nil when nobody does.
    let byteCount: UInt64?
    let offset: UInt64
  }

  /// `written <= received <= upTo`, and none goes back. `upTo` may lie beyond the end of a content
  /// whose size nobody knew; nothing comes from there.
  struct Window: Hashable, Sendable {
    fileprivate(set) var written: UInt64
    fileprivate(set) var received: UInt64
    fileprivate(set) var upTo: UInt64
    /// What the shell expects; nil when it does not know.
    let expected: UInt64?
    /// What the peer said with its first piece.
    fileprivate(set) var announced: UInt64?

    fileprivate init(_ ask: Ask) {
      written = ask.offset
      received = ask.offset
      upTo = ask.offset
      expected = ask.byteCount
    }

    /// The end, as far as it is known: an entry has none yet but the greatest there is.
    fileprivate var end: UInt64 {
      announced ?? expected ?? UInt64(Entry.maximumWireByteCount)
    }

    /// Asked for and yet to come.
    fileprivate var awaitedByteCount: UInt64 { min(upTo, end) - received }
  }

  /// In the order in which they were wanted.
  private(set) var places: [Place] = []
  /// The disk is full: no window opens further.
  private(set) var isPaused: Bool

  init(isPaused: Bool) { self.isPaused = isPaused }

  /// Bytes asked for and neither written nor given up.
  var outstandingByteCount: UInt64 {
    places.reduce(0) { sum, place in
      switch place.series {
      case .taking(let window): sum + window.awaitedByteCount + window.received - window.written
      case .withdrawing(let outstanding, _): sum + outstanding
      }
    }
  }

  // MARK: What the shell says

  mutating func want(
    _ wanted: Wanted, _ ask: Ask, limits: LinkLimits, output: inout StepOutput
  ) {
    if let expected = ask.byteCount {
      precondition(
        ask.offset < expected && expected <= FilePiece.maximumTotalByteCount,
        "\(ask.offset) of \(expected) bytes: nothing to want")
    }
    if let index = index(of: wanted) {
      guard case .withdrawing(let outstanding, nil) = places[index].series else {
        preconditionFailure("wanted twice: \(wanted)")
      }
      places[index].series = .withdrawing(outstanding: outstanding, next: ask)
      return
    }
    precondition(places.count < limits.filesAtOnce, "\(places.count) wanted, and \(wanted)")
    places.append(Place(wanted: wanted, series: .taking(Window(ask))))
    slide(.begin, of: wanted, limits: limits, output: &output)
  }

  mutating func cancel(_ wanted: Wanted, output: inout StepOutput) {
    guard let index = index(of: wanted) else { return }
    switch places[index].series {
    case .taking: withdraw(index, output: &output)
    case .withdrawing(let outstanding, _):
      places[index].series = .withdrawing(outstanding: outstanding, next: nil)
    }
  }

  mutating func written(
    _ wanted: Wanted, upTo: UInt64, limits: LinkLimits, output: inout StepOutput
  ) {
    // A write may end after its want did.
    guard let index = index(of: wanted), case .taking(var window) = places[index].series else {
      return
    }
    precondition(
      (window.written...window.received).contains(upTo),
      "written up to \(upTo) after \(window.written), received \(window.received)")
    window.written = upTo
    places[index].series = .taking(window)
    if upTo == window.announced {
      places.remove(at: index)
      let all = FileWindow(taken: upTo, upTo: window.upTo)
      output.sendNow.append(.want(WantMessage(wanted, .more(all))))
      slide(nil, limits: limits, output: &output)
    } else {
      slide(.more, of: wanted, limits: limits, output: &output)
    }
  }

  mutating func pause(_ isPaused: Bool, limits: LinkLimits, output: inout StepOutput) {
    self.isPaused = isPaused
    slide(nil, limits: limits, output: &output)
  }

  // MARK: What the peer sends

  mutating func take(
    _ message: FileMessage, limits: LinkLimits, output: inout StepOutput
  ) throws(LinkViolation) {
    guard let index = index(of: message.wanted) else { throw .unsolicitedFile }
    switch (message.form, places[index].series) {
    case (.piece(let piece), .taking(let window)):
      try take(piece, window, at: index, output: &output)
    case (.refused(.withdrawn), .withdrawing(_, let next)):
      guard let next else {
        places.remove(at: index)
        return slide(nil, limits: limits, output: &output)
      }
      places[index].series = .taking(Window(next))
      slide(.begin, of: message.wanted, limits: limits, output: &output)
    case (_, .withdrawing): break
    case (.refused(.withdrawn), .taking): throw .unsolicitedFile
    case (.refused(let reason), .taking):
      places.remove(at: index)
      output.events.append(.fileRefused(message.wanted, reason))
      slide(nil, limits: limits, output: &output)
    }
  }

  private mutating func take(
    _ piece: FilePiece, _ before: Window, at index: Int, output: inout StepOutput
  ) throws(LinkViolation) {
    var window = before
    let wanted = places[index].wanted
    guard piece.offset == window.received else {
      throw .fileOutOfPlace(piece.offset, expected: window.received)
    }
    guard piece.end <= window.upTo else { throw .fileBeyondWindow(piece.end, upTo: window.upTo) }
    if let announced = window.announced, announced != piece.totalByteCount {
      throw .fileSizeChanged(piece.totalByteCount, before: announced)
    }
    if let expected = window.expected, expected != piece.totalByteCount {
      // The peer has what the digest names; whoever named the size was wrong, and who that was is
      // no reason to close this link.
      output.events.append(.fileRefused(wanted, .otherSize))
      return withdraw(index, output: &output)
    }
    guard piece.totalByteCount <= window.end else { throw .entryTooLarge(piece.totalByteCount) }
    window.announced = piece.totalByteCount
    window.received = piece.end
    places[index].series = .taking(window)
    output.requests.append(
      .writeFile(
        wanted, offset: piece.offset, bytes: piece.bytes,
        totalByteCount: piece.totalByteCount))
  }

  // MARK: Windows

  private enum Due { case begin, more }

  /// Opens the windows as far as there is room, the longest wanted first.
  /// - Parameter due: the message that `wanted` gets whether its window moves or not: its first, or
  ///   what it has written, from which the holder learns how fast the line is.
  private mutating func slide(
    _ due: Due?, of wanted: Wanted? = nil, limits: LinkLimits, output: inout StepOutput
  ) {
    let takingCount = places.count { if case .taking = $0.series { true } else { false } }
    guard takingCount > 0 else { return }
    let share = UInt64(limits.fileWindowByteCount / takingCount)
    for index in places.indices {
      guard case .taking(var window) = places[index].series else { continue }
      let room = UInt64(limits.fileWindowByteCount) - outstandingByteCount
      let wished = min(window.end, window.written + share, window.upTo + room)
      let upTo = isPaused ? window.upTo : max(window.upTo, wished)
      // Not a message for every few bytes: a quarter of the share, or the rest.
      let growth = upTo - window.upTo
      let isWorthIt = growth > 0 && (growth >= share / 4 || upTo == window.end)
      let isOwn = places[index].wanted == wanted && due != nil
      guard isOwn || isWorthIt else { continue }
      window.upTo = upTo
      places[index].series = .taking(window)
      let grant = FileWindow(taken: window.written, upTo: upTo)
      output.sendNow.append(
        .want(
          WantMessage(
            places[index].wanted, isOwn && due == .begin ? .begin(grant) : .more(grant))))
    }
  }

  private mutating func withdraw(_ index: Int, output: inout StepOutput) {
    guard case .taking(let window) = places[index].series else {
      preconditionFailure("withdrawn twice: \(places[index].wanted)")
    }
    places[index].series = .withdrawing(
      outstanding: window.awaitedByteCount, next: nil)
    output.sendNow.append(.want(WantMessage(places[index].wanted, .withdraw)))
  }

  private func index(of wanted: Wanted) -> Int? {
    places.firstIndex { $0.wanted == wanted }
  }
}
