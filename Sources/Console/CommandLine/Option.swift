import Operations

/// Every option of the command line; the raw value is what one types.
enum Option: String, Hashable, Sendable, CaseIterable {
  case config = "--config"
  case language = "--lang"
  case help = "--help"
  case json = "--json"
  case all = "--all"
  case wait = "--wait"
  case timeout = "--timeout"
  case asOf = "--as-of"
  case since = "--since"
  case follow = "--follow"
  case revision = "--revision"
  case keep = "--keep"
  case adjust = "--adjust"
  case role = "--role"
  case key = "--key"
  case signature = "--signature"
  case file = "--file"
  case files = "--files"
  case policy = "--signatures"
  case codeLists = "--code-lists"
  case reason = "--reason"
  case replace = "--replace"
  case peer = "--peer"
  case without = "--without"
  case origin = "--origin"
  case tier = "--tier"
  case pin = "--pin"
  case certificate = "--certificate"
  case name = "--name"
  case organ = "--organ"
  case generation = "--generation"
  case provinces = "--provinces"
  case centre = "--centre"
  case relay = "--relay"

  /// Taken by every command.
  static let common: [Option] = [.config, .language, .help]

  /// What stands for the value in help; nil for a switch.
  var valueName: String? {
    switch self {
    case .help, .json, .all, .follow, .origin, .replace: nil
    case .config: "PATH"
    case .language: "vi|en"
    case .wait: "centre"
    case .timeout: "TIME"
    case .asOf: "DATE"
    case .since: "TOKEN"
    case .revision, .generation: "N"
    case .keep: "DIGEST|RECORD"
    case .adjust, .key, .signature, .codeLists: "FILE"
    case .file: "NAME=PATH"
    case .files: "DIR"
    case .role: "ROLE"
    case .policy: "require|accept-as-reference|off"
    case .reason, .name: "TEXT"
    case .peer, .without, .centre, .relay: "SITE"
    case .tier: "centre|province"
    case .pin: "sha256:HEX"
    case .certificate: "FILE"
    case .organ: "ORGAN"
    case .provinces: "A,B,C"
    }
  }

  /// Whether it may stand more than once.
  var isRepeatable: Bool {
    switch self {
    case .without, .pin, .organ, .relay, .signature, .file: true
    case .config, .language, .help, .json, .all, .wait, .timeout, .asOf, .since, .follow,
      .revision, .keep, .adjust, .role, .key, .policy, .reason, .replace, .peer, .origin, .tier,
      .certificate,
      .name, .generation,
      .provinces, .centre, .files, .codeLists:
      false
    }
  }

  /// One line for help.
  var summary: LocalText {
    switch self {
    case .config:
      LocalText(
        vi: "tệp cấu hình của điểm (hoặc DONGBO_CONFIG)",
        en: "the site's configuration (or DONGBO_CONFIG)")
    case .language: LocalText(vi: "ngôn ngữ", en: "language")
    case .help: LocalText(vi: "trợ giúp", en: "this help")
    case .json: LocalText(vi: "JSON cho máy đọc", en: "JSON for machines")
    case .all: LocalText(vi: "kể cả các điểm bình thường", en: "healthy sites too")
    case .wait:
      LocalText(
        vi: "chờ trung ương: mã thoát 0 đã áp dụng, 2 đã giữ nhưng chưa áp dụng, 75 chỉ mới ở đây",
        en: "wait for the centre: exit 0 applied there, 2 kept there but not applied, 75 here only")
    case .timeout:
      LocalText(vi: "thời gian chờ lâu nhất (30s)", en: "longest wait for the centre (30s)")
    case .asOf: LocalText(vi: "trạng thái tính đến ngày, YYYY-MM-DD", en: "state on YYYY-MM-DD")
    case .since: LocalText(vi: "tiếp sau mã này", en: "only what came after this token")
    case .follow: LocalText(vi: "chờ thay đổi mới", en: "wait for further changes")
    case .revision: LocalText(vi: "lần cập nhật mới của bản ghi", en: "the record's new revision")
    case .keep:
      LocalText(
        vi: "bản được giữ: mã băm của phiên bản, hoặc bản ghi cùng số",
        en: "what stays: a version's digest, or one of the records that share a number")
    case .role:
      LocalText(
        vi: "vai trò ký, như sổ đăng ký đặt tên: person, organ, accountant, head",
        en: "role of the signer, as the registry names it: person, organ, accountant, head")
    case .key: LocalText(vi: "khóa riêng của người ký (PEM)", en: "the signer's private key (PEM)")
    case .signature:
      LocalText(
        vi: "chữ ký số do dongbo sign tạo, ghi kèm bản ghi",
        en: "a signature made by dongbo sign, appended to its record")
    case .file:
      LocalText(
        vi: "tệp kèm theo: tên trong bản ghi, và tệp trên máy này; mã băm và kích thước tự điền",
        en: "a file beside the record: its attachmentName and where it is; digest and size are"
          + " filled in")
    case .files:
      LocalText(
        vi: "ghi các tệp kèm theo vào thư mục này, không ghi đè tệp nào",
        en: "write the record's files into this directory, over nothing")
    case .policy:
      LocalText(
        vi: "yêu cầu về chữ ký số trong mô hình thử",
        en: "what the lab asks of signatures (accept-as-reference)")
    case .codeLists:
      LocalText(
        vi: "danh mục mã của mô hình thử; không có thì mọi mã đúng dạng đều dùng được",
        en: "the lab's code lists; without them any code of the right form will do")
    case .adjust:
      LocalText(
        vi: "bản ghi giữ số; chứng từ điều chỉnh trong tệp này sửa bản kia",
        en: "the record keeps the number; this adjustment voucher corrects the other")
    case .reason: LocalText(vi: "lý do, được lưu cùng quyết định", en: "why, kept with it")
    case .replace:
      LocalText(
        vi: "chuyển kho đang có sang before-restore-... rồi thay bằng kho này",
        en: "move the store that is here to before-restore-..., and put this one in its place")
    case .peer:
      LocalText(
        vi: "chỉ những gì cả hai điểm được nhận", en: "only what both this site and SITE may hold")
    case .without:
      LocalText(vi: "không chờ điểm này xác nhận", en: "do not wait for this site to confirm")
    case .origin: LocalText(vi: "mỗi giá trị lấy từ tệp:dòng nào", en: "file:line of each value")
    case .tier: LocalText(vi: "cấp của điểm", en: "the site's tier (province)")
    case .pin: LocalText(vi: "vân tay khóa liên kết", en: "pin of its link key; the next one too")
    case .certificate:
      LocalText(vi: "lấy vân tay từ chứng thư (PEM)", en: "take the pin from its certificate (PEM)")
    case .name: LocalText(vi: "tên đơn vị", en: "its name")
    case .organ: LocalText(vi: "mã cơ quan thuộc điểm", en: "code of an organ it serves")
    case .generation: LocalText(vi: "lần thành lập", en: "which foundation of the unit (1)")
    case .provinces: LocalText(vi: "mã các tỉnh", en: "ids of the provinces")
    case .centre: LocalText(vi: "mã trung ương (trung-uong)", en: "id of the centre (trung-uong)")
    case .relay:
      LocalText(
        vi: "đặt một cầu nối cắt được trước tỉnh này",
        en: "put a relay that can be cut before this province")
    }
  }
}
