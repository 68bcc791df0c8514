package import Replication
import Synchronization

/// A value in a log line. There is no case for bytes or records: content is never logged.
package enum LogValue: Sendable, Equatable, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral
{
  case text(String)
  case integer(Int64)
  case seconds(Double)
  case flag(Bool)

  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }

  /// An id, a position or an error by its description.
  package static func of(_ value: some CustomStringConvertible) -> LogValue {
    .text(value.description)
  }

  /// A duration in seconds.
  package static func of(_ duration: Duration) -> LogValue { .seconds(duration.inSeconds) }
}

/// Structured log: an event name and key-values, one line each. Any thread may log.
///
/// The same event with the same values within `repeatWindow` is written once; the next line of it
/// says how often it came (`repeated=17`), as does `flushRepeats`.
package final class Logger: Sendable {
  /// How long the same line is counted instead of written.
  package static let repeatWindow = Duration.seconds(60)
  /// Different lines remembered; when full, all counts are written and forgotten.
  package static let maximumRemembered = 512
  /// Longer values are cut.
  package static let maximumValueByteCount = 512

  private struct State {
    var format: LogFormat
    var level: LogLevel
    var repeats: [String: Repeat] = [:]
  }

  private struct Repeat {
    let level: LogLevel
    var since: Instant
    var count = 0
  }

  private let state: Mutex<State>
  private let hasPriorityPrefix: Bool
  private let clock: @Sendable () -> (wall: WallTime, monotonic: Instant)
  private let sink: @Sendable ([UInt8]) -> Void

  /// - Parameters:
  ///   - hasPriorityPrefix: begin lines with `<N>`, which the journal takes for the priority.
  ///   - sink: takes one line with its end of line; called with no lock of the caller held, one
  ///     call at a time.
  package init(
    format: LogFormat, level: LogLevel, hasPriorityPrefix: Bool = false,
    clock: @escaping @Sendable () -> (wall: WallTime, monotonic: Instant),
    sink: @escaping @Sendable ([UInt8]) -> Void
  ) {
    state = Mutex(State(format: format, level: level))
    self.hasPriorityPrefix = hasPriorityPrefix
    self.clock = clock
    self.sink = sink
  }

  /// Takes format and level of a reloaded configuration.
  package func configure(format: LogFormat, level: LogLevel) {
    state.withLock {
      $0.format = format
      $0.level = level
    }
  }

  /// Writes one event. `event` is a dotted name such as `link.refused`, the same every time.
  package func log(
    _ level: LogLevel, _ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue> = [:]
  ) {
    let now = clock()
    state.withLock { state in
      guard level >= state.level else { return }
      let body = Self.body(state.format, level, "\(event)", fields)
      var repeated = 0
      if var known = state.repeats[body] {
        guard now.monotonic - known.since >= Self.repeatWindow else {
          known.count += 1
          state.repeats[body] = known
          return
        }
        repeated = known.count
      } else if state.repeats.count >= Self.maximumRemembered {
        write(&state, now.wall) { _ in true }
      }
      state.repeats[body] = Repeat(level: level, since: now.monotonic)
      emit(state.format, level, now.wall, body, repeated: repeated)
    }
  }

  /// Writes the counts of repeated events whose window is over; all of them with `everything`.
  package func flushRepeats(everything: Bool = false) {
    let now = clock()
    state.withLock { state in
      write(&state, now.wall) { everything || now.monotonic - $0.since >= Self.repeatWindow }
    }
  }

  private func write(_ state: inout State, _ wall: WallTime, _ isDue: (Repeat) -> Bool) {
    for (body, known) in state.repeats.sorted(by: { $0.key < $1.key }) where isDue(known) {
      if known.count > 0 {
        emit(state.format, known.level, wall, body, repeated: known.count)
      }
      state.repeats[body] = nil
    }
  }

  private func emit(
    _ format: LogFormat, _ level: LogLevel, _ wall: WallTime, _ body: String, repeated: Int
  ) {
    let prefix = hasPriorityPrefix ? "<\(level.syslogPriority)>" : ""
    let line =
      switch format {
      case .logfmt: "time=\(wall.rfc3339) \(body)" + (repeated > 0 ? " repeated=\(repeated)" : "")
      case .json:
        "{\"time\":\"\(wall.rfc3339)\",\(body)" + (repeated > 0 ? ",\"repeated\":\(repeated)" : "")
          + "}"
      }
    sink(Array((prefix + line + "\n").utf8))
  }

  /// The line without its time: also what makes two events the same.
  private static func body(
    _ format: LogFormat, _ level: LogLevel, _ event: String,
    _ fields: KeyValuePairs<StaticString, LogValue>
  ) -> String {
    switch format {
    case .logfmt:
      let pairs = fields.map { "\($0.key)=\(logfmt($0.value))" }
      return (["level=\(level)", "event=\(event)"] + pairs).joined(separator: " ")
    case .json:
      let pairs = fields.map { "\(quotedJSON("\($0.key)")):\(json($0.value))" }
      return (["\"level\":\"\(level)\"", "\"event\":\(quotedJSON(event))"] + pairs)
        .joined(separator: ",")
    }
  }

  private static func logfmt(_ value: LogValue) -> String {
    guard case .text(let text) = value else { return json(value) }
    let short = shortened(text)
    let quoted = quotedJSON(short)
    let isPlain = quoted.utf8.count == short.utf8.count + 2
    let needsQuotes = short.isEmpty || short.utf8.contains { $0 == 0x20 || $0 == UInt8(ascii: "=") }
    return isPlain && !needsQuotes ? short : quoted
  }

  private static func json(_ value: LogValue) -> String {
    switch value {
    case .text(let text): quotedJSON(shortened(text))
    case .integer(let integer): "\(integer)"
    case .seconds(let seconds): seconds.isFinite ? "\(seconds)" : "null"
    case .flag(let flag): flag ? "true" : "false"
    }
  }

  private static func shortened(_ text: String) -> String {
    guard text.utf8.count > maximumValueByteCount else { return text }
    var bytes = text.utf8.prefix(maximumValueByteCount)
    while let last = bytes.last, last & 0b1100_0000 == 0b1000_0000 { bytes = bytes.dropLast() }
    if let last = bytes.last, last >= 0b1100_0000 { bytes = bytes.dropLast() }
    return String(decoding: bytes, as: UTF8.self) + "..."
  }
}
