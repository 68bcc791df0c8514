import Operations
import Replication
import Transport

/// One command at work: its arguments, where it writes, and the site it talks to.
final class CommandRun {
  let invocation: Invocation
  let terminal: Terminal
  let loaded: Result<LoadedConfiguration, ConfigurationError>

  /// Where the configuration of an installed site lies.
  static let defaultConfigurationPath = "/etc/dongbo/dongbo.conf"
  /// Longest wait for an answer that the daemon gives at once.
  static let answerTime = Duration.seconds(30)
  /// Lines asked for at a time; a page stays small enough to be read whole.
  static let pageCount = 200

  init(
    _ invocation: Invocation, terminal: Terminal,
    loaded: Result<LoadedConfiguration, ConfigurationError>
  ) {
    self.invocation = invocation
    self.terminal = terminal
    self.loaded = loaded
  }

  var language: Language { terminal.language }

  /// The site's configuration.
  /// - Throws: exit code 78 with every fault.
  func configuration() throws(CommandFailure) -> SiteConfiguration {
    do throws(ConfigurationError) {
      return try loaded.get().configuration
    } catch {
      throw CommandFailure(.badConfiguration, error.localText, hint: Self.configurationHint)
    }
  }

  private static let configurationHint = LocalText(
    vi: "Chỉ đúng tệp bằng --config PATH hoặc DONGBO_CONFIG.",
    en: "Name the right file with --config PATH or DONGBO_CONFIG.")

  /// A client of the site's admin socket.
  /// - Parameter waiting: what requests will ask the daemon to wait, on top of its own time.
  func client(waiting: Duration = .zero) throws(CommandFailure) -> AdminClient {
    AdminClient(
      socket: try configuration().admin.socket, language: language,
      timeout: Self.answerTime + waiting)
  }

  /// The kind of a record named on the command line.
  func kind(_ index: Int = 0) throws(CommandFailure) -> String {
    let text = invocation.operands[index]
    guard RecordKind(name: text) == nil else { return text }
    let names = RecordKind.allCases.map(\.description)
    let nearest = nearestName(to: text, among: names)
    let typed = visibleText(text)
    throw usageFailure(
      vi: "không có loại '\(typed)'; có phải \(nearest)?",
      en: "no kind '\(typed)'; did you mean \(nearest)?")
  }

  /// `KIND/RECORD` of the first two operands, as path segments.
  func record() throws(CommandFailure) -> [String] {
    let text = invocation.operands[1]
    guard RecordID(text) != nil else {
      let typed = visibleText(text)
      throw usageFailure(
        vi: "'\(typed)' không phải mã bản ghi (UUID viết thường)",
        en: "'\(typed)' is no record id (a UUID in lower case)")
    }
    return [try kind(), text]
  }

  func site(_ text: String) throws(CommandFailure) -> SiteID {
    guard let site = SiteID(text) else {
      let typed = visibleText(text)
      throw usageFailure(
        vi: "'\(typed)' không phải mã điểm, [a-z0-9-]{1,32}",
        en: "'\(typed)' is no site id, [a-z0-9-]{1,32}")
    }
    return site
  }

  /// A whole positive number.
  func number(_ option: Option) throws(CommandFailure) -> Int64? {
    guard let text = invocation.value(option) else { return nil }
    guard let value = Int64(text), (1...JSONValue.maximumInteger).contains(value) else {
      let typed = visibleText(text)
      throw usageFailure(
        vi: "\(option.rawValue) '\(typed)': cần một số nguyên từ 1",
        en: "\(option.rawValue) '\(typed)': a whole number from 1 is needed")
    }
    return value
  }

  /// A required option.
  func needed(_ option: Option) throws(CommandFailure) -> String {
    guard let value = invocation.value(option) else { throw missing(option) }
    return value
  }

  func missing(_ option: Option) -> CommandFailure {
    let usage = "\(option.rawValue) \(option.valueName ?? "")"
    return usageFailure(
      vi: "thiếu \(usage)", en: "\(usage) is missing",
      CommandTable.specification(of: invocation.command))
  }
}

extension ConfigurationError {
  /// Every fault on a line, in both languages.
  var localText: LocalText { LocalText(vi: text(in: .vi), en: text(in: .en)) }
}

extension JSONObject {
  /// The text under `key` for showing; `?` when it is not there.
  func shown(_ key: Text) -> String {
    switch self[key] {
    case .string(let text)?: text.string
    case .integer(let number)?: "\(number)"
    case .bool(let flag)?: "\(flag)"
    case .array(let items)?: items.compactMap(\.text?.string).joined(separator: " ")
    case .null?, nil: "?"
    case .object(let object)?: "\(object.members.count)"
    }
  }

  func objects(_ key: Text) -> [JSONObject] { (self[key]?.array ?? []).compactMap(\.object) }

  var bytes: [UInt8] { JSONValue.object(self).canonicalBytes }
}
