/// Everything that is wrong with a configuration, at once.
package struct ConfigurationError: Error, Equatable, Sendable {
  /// Rendering stops here: nobody reads further, and a binary file must not flood a journal.
  package static let maximumRendered = 100
  package let faults: [ConfigurationFault]

  /// One line a fault: `file:line: cause. fix`, in the order of the files and lines.
  package func text(in language: Language) -> String {
    var lines = faults.prefix(Self.maximumRendered).map { $0.text(in: language) }
    if faults.count > Self.maximumRendered {
      lines.append("... +\(faults.count - Self.maximumRendered)")
    }
    return lines.joined(separator: "\n")
  }
}

/// One fault: where, what and how to put it right.
package struct ConfigurationFault: Error, Equatable, Sendable {
  package let problem: ConfigurationProblem
  package let origin: SourceLine
  /// What fills the placeholders of both sentences.
  package let arguments: [String]

  package init(_ problem: ConfigurationProblem, at origin: SourceLine, _ arguments: [String]) {
    self.problem = problem
    self.origin = origin
    self.arguments = arguments
  }

  /// `file:line: cause. fix`, safe for a terminal whatever the file contained.
  package func text(in language: Language) -> String {
    let safe = arguments.map(visibleText)
    let cause = problem.cause.text(in: language, safe)
    return "\(visibleText(origin.description)): \(cause). \(problem.fix.text(in: language, safe))"
  }
}

/// The ways a configuration can be wrong. `cause` and `fix` share their placeholders' numbers.
package enum ConfigurationProblem: Sendable, CaseIterable {
  case unreadable
  case tooLarge
  case tooManyFiles
  case lineTooLong
  case notText
  case badSection
  case noSection
  case noAssignment
  case unknownSection
  case unknownKey
  case duplicateKey
  case badValue
  case outOfRange
  case trailingComment
  case missing
  case wrongTier
  case witnessInside
  case ownCentre
  case tooSmallFor
  case secretExposed

  /// What is wrong, without a full stop.
  package var cause: LocalText {
    switch self {
    case .unreadable: LocalText(vi: "không đọc được tệp: {0}", en: "cannot be read: {0}")
    case .tooLarge: LocalText(vi: "tệp lớn hơn {0} byte", en: "larger than {0} bytes")
    case .tooManyFiles:
      LocalText(vi: "thư mục có hơn {0} tệp .conf", en: "holds more than {0} .conf files")
    case .lineTooLong: LocalText(vi: "dòng dài hơn {0} byte", en: "line longer than {0} bytes")
    case .notText:
      LocalText(
        vi: "dòng không phải văn bản UTF-8 hoặc chứa ký tự điều khiển",
        en: "line is not UTF-8 text or holds control characters")
    case .badSection: LocalText(vi: "tên mục sai: {0}", en: "malformed section: {0}")
    case .noSection: LocalText(vi: "\"{0}\" đứng trước mọi mục", en: "\"{0}\" before any section")
    case .noAssignment: LocalText(vi: "\"{0}\" không có dấu =", en: "\"{0}\" has no key and =")
    case .unknownSection: LocalText(vi: "không có mục [{0}]", en: "no section is called [{0}]")
    case .unknownKey: LocalText(vi: "mục [{1}] không có khóa {0}", en: "[{1}] has no key {0}")
    case .duplicateKey:
      LocalText(vi: "{0} đã được đặt ở dòng {1}", en: "{0} is already set in line {1}")
    case .badValue: LocalText(vi: "{0}={1} không hợp lệ", en: "{0}={1} is not valid")
    case .outOfRange:
      LocalText(vi: "{0}={1} nằm ngoài giới hạn", en: "{0}={1} is out of bounds")
    case .trailingComment:
      LocalText(vi: "{0}={1} có chú thích sau giá trị", en: "{0}={1} has a comment in its value")
    case .missing: LocalText(vi: "thiếu {0}= trong mục [{1}]", en: "{0}= is missing in [{1}]")
    case .wrongTier:
      LocalText(vi: "{0}= không dùng cho Tier={1}", en: "{0}= has no meaning with Tier={1}")
    case .witnessInside:
      LocalText(
        vi: "WitnessFile={0} nằm trong DataDirectory={1}",
        en: "WitnessFile={0} lies inside DataDirectory={1}")
    case .ownCentre:
      LocalText(
        vi: "CentreId={0} trùng với Id của chính điểm này",
        en: "CentreId={0} is this site's own Id")
    case .tooSmallFor:
      LocalText(vi: "{0}={1} nhỏ hơn {2}={3}", en: "{0}={1} is smaller than {2}={3}")
    case .secretExposed:
      LocalText(vi: "{0} mở cho người khác (quyền {1})", en: "{0} is open to others (mode {1})")
    }
  }

  /// What to do, a whole sentence.
  package var fix: LocalText {
    switch self {
    case .unreadable:
      LocalText(
        vi: "Kiểm tra đường dẫn và quyền đọc của người dùng dongbo.",
        en: "Check the path, and that the user dongbo may read it.")
    case .tooLarge, .tooManyFiles, .lineTooLong:
      LocalText(
        vi: "Kiểm tra xem đây có đúng là tệp cấu hình không.",
        en: "Check that this is the configuration you mean.")
    case .notText: LocalText(vi: "Lưu tệp dạng UTF-8.", en: "Save the file as UTF-8.")
    case .badSection: LocalText(vi: "Viết [Site].", en: "Write it like [Site].")
    case .noSection:
      LocalText(vi: "Thêm dòng [Mục] phía trên.", en: "Put a [Section] line above it.")
    case .noAssignment: LocalText(vi: "Viết Khóa=Giá trị.", en: "Write Key=Value.")
    case .unknownSection, .unknownKey:
      LocalText(
        vi: "Có phải bạn muốn viết {2}? Khóa riêng bắt đầu bằng X-.",
        en: "Did you mean {2}? Private names start with X-.")
    case .duplicateKey: LocalText(vi: "Xóa một trong hai dòng.", en: "Remove one of the two lines.")
    case .badValue: LocalText(vi: "Cần {2}.", en: "Expected {2}.")
    case .outOfRange: LocalText(vi: "Cần từ {2} đến {3}.", en: "Use {2} to {3}.")
    case .trailingComment:
      LocalText(
        vi: "Đưa chú thích lên một dòng riêng.", en: "Put the comment on a line of its own.")
    case .missing: LocalText(vi: "Thêm {0}={2}.", en: "Add {0}={2}.")
    case .wrongTier: LocalText(vi: "Xóa dòng này.", en: "Remove the line.")
    case .witnessInside:
      LocalText(
        vi: "Đặt nó ở ngoài, tốt nhất trên đĩa khác: khôi phục dữ liệu không được kéo theo nó.",
        en: "Put it outside, best on another disk: a restore of the data must not restore it too.")
    case .ownCentre: LocalText(vi: "Ghi Id của trung ương.", en: "Name the centre's Id.")
    case .tooSmallFor:
      LocalText(vi: "Tăng {0} ít nhất đến {3}.", en: "Raise {0} to at least {3}.")
    case .secretExposed: LocalText(vi: "Chạy: chmod 0640 {0}", en: "Run: chmod 0640 {0}")
    }
  }
}
