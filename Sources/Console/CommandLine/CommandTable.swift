import Operations

/// Everything `dongbo` can do.
enum Command: Sendable, CaseIterable {
  case put, append, annotate, withdraw, sign, filePut
  case get, list, changes, why
  case conflictsList, conflictsShow, conflictsResolve
  case status, digest, explain
  case quarantineList, quarantineShow, quarantineRetry, quarantineRelease
  case registryShow, registrySet
  case siteAdd, siteList, backup, restore, rejoin, reload
  case configCheck, configShow, certificateShow
  case labCreate, labRelay
  case version
}

/// One command as parsing, help and errors see it.
struct CommandSpecification: Sendable {
  let command: Command
  /// What one types: `put`, or `conflicts show`.
  let words: [String]
  let operands: [Operand]
  let options: [Option]
  let summary: LocalText
  /// A part of the lab's machinery: it works, but the overview does not list it.
  let isHidden: Bool

  struct Operand: Sendable {
    let name: String
    let isOptional: Bool
  }

  var name: String { words.joined(separator: " ") }

  /// As typed, with operands: `append KIND RECORD [FILE|-]`.
  var usage: String {
    let places = operands.map { $0.isOptional ? "[\($0.name)]" : $0.name }
    return (words + places).joined(separator: " ")
  }
}

/// The one table of commands: parsing, errors and every help text are made from it.
enum CommandTable {
  static let specifications: [CommandSpecification] =
    writing + signing + reading + conflicts + operation + setup

  static func specification(of command: Command) -> CommandSpecification {
    guard let found = specifications.first(where: { $0.command == command }) else {
      preconditionFailure("\(command) is not in the table")
    }
    return found
  }

  private static let writing = [
    entry(
      .put, "put", "KIND [FILE|-]", [.file, .signature, .wait, .timeout],
      vi: "ghi bản ghi (JSON Lines), mỗi dòng một kết quả",
      en: "write records (JSON Lines), one result a line"),
    entry(
      .append, "append", "KIND RECORD [FILE|-]", [.file, .wait, .timeout],
      vi: "thêm sự kiện vào bản ghi: tiếp nhận, tiến độ, biến động",
      en: "add events to a record: receipts, progress, movements"),
    entry(
      .annotate, "annotate", "KIND RECORD [FILE|-]", [.wait, .timeout],
      vi: "ghi chú bản ghi, ví dụ từ khóa", en: "annotate a record, keywords for example"),
    entry(
      .withdraw, "withdraw", "KIND RECORD", [.revision, .reason, .wait, .timeout],
      vi: "rút dự thảo hoặc bản ghi nhầm", en: "withdraw a draft or a mistake"),
    entry(
      .filePut, "file put", "PATH", [],
      vi: "đưa một tệp vào điểm này; in mã băm và kích thước để ghi vào bản ghi",
      en: "bring a file to this site; prints its digest and size, for the record that names it"),
  ]

  private static let signing = [
    entry(
      .sign, "sign", "KIND FILE", [.role, .key, .certificate, .file],
      vi: "ký số một bản ghi bằng khóa trong tệp; ghi kèm bằng put --signature",
      en: "sign a record with a key in a file; attach it by put --signature")
  ]

  private static let reading = [
    entry(
      .get, "get", "KIND RECORD", [.asOf, .files],
      vi: "xem bản ghi và trạng thái của nó; mã thoát 1 nếu điểm này không có",
      en: "show a record with its derived state; exit 1 when this site does not hold it"),
    entry(
      .list, "ls", "KIND", [.json],
      vi: "liệt kê bản ghi", en: "list records"),
    entry(
      .changes, "changes", "", [.since, .follow],
      vi: "các thay đổi đến điểm này, theo thứ tự", en: "what has changed here, in order"),
    entry(
      .why, "why", "KIND RECORD", [.json],
      vi: "từng chặng của từng thay đổi: ghi, gửi, nhận, áp dụng hay chờ",
      en: "each hop of each change: written, sent, acknowledged, applied or waiting"),
  ]

  private static let conflicts = [
    entry(
      .conflictsList, "conflicts ls", "", [.json],
      vi: "các bản ghi đang xung đột", en: "records in conflict"),
    entry(
      .conflictsShow, "conflicts show", "KIND RECORD", [.json],
      vi: "các phiên bản đối nhau", en: "the versions that contradict each other"),
    entry(
      .conflictsResolve, "conflicts resolve", "KIND RECORD", [.keep, .adjust, .reason],
      vi: "quyết định giữ bản nào (chỉ nơi sở hữu)", en: "decide what stays (at the owner only)"),
  ]

  private static let operation = [
    entry(
      .status, "status", "[SITE]", [.json, .all],
      vi: "tình trạng của điểm và các đường liên kết; SITE: chi tiết một điểm",
      en: "this site and its links at a glance; SITE: one peer in depth"),
    entry(
      .digest, "digest", "", [.peer],
      vi: "mã băm nội dung từng loại và tổng; bằng nhau nghĩa là nội dung như nhau",
      en: "digest of the content of each kind and total; equal means equal content"),
    entry(
      .quarantineList, "quarantine ls", "", [.json],
      vi: "các mục bị cách ly, kèm lý do", en: "entries in quarantine, with the reason"),
    entry(
      .quarantineRetry, "quarantine retry", "ORIGIN INCARNATION SEQUENCE", [],
      vi: "thử áp dụng lại một mục", en: "try again to apply one entry"),
    entry(
      .quarantineShow, "quarantine show", "ORIGIN INCARNATION SEQUENCE", [],
      vi: "xem một mục bị cách ly, cả nội dung", en: "one entry in quarantine, with its content"),
    entry(
      .quarantineRelease, "quarantine release", "ORIGIN INCARNATION SEQUENCE", [],
      vi: "cho một mục đi tiếp theo lời của người quản trị",
      en: "let one entry go on, by an administrator's word"),
    entry(
      .explain, "explain", "ID", [],
      vi: "giải thích một mã trên màn hình tình trạng", en: "explain an id of the status screen"),
    entry(
      .backup, "backup", "FILE", [],
      vi: "sao lưu kho khi dongbod đang chạy; tệp kèm theo không nằm trong đó",
      en: "back up the store of the running daemon; files beside records are not in it"),
    entry(
      .restore, "restore", "FILE", [.replace],
      vi: "đặt kho từ bản sao lưu vào chỗ, khi dongbod đã dừng; tệp thiếu do các điểm khác gửi lại",
      en: "put a backup's store in place, daemon stopped; files that are missing come from peers"),
    entry(
      .rejoin, "rejoin", "", [.without, .json],
      vi: "mất dữ liệu: đã nhận lại gì, còn thiếu gì, điểm nào im lặng; --without mở khóa",
      en: "after a loss: what came back, what is missing, who is silent; --without unlocks"),
    entry(
      .reload, "reload", "", [],
      vi: "đọc lại cấu hình", en: "make the daemon read its configuration again"),
  ]

  private static let setup = [
    entry(
      .siteAdd, "site add", "SITE",
      [.tier, .pin, .certificate, .name, .organ, .generation],
      vi: "đăng ký một điểm (tại trung ương)", en: "register a site (at the centre)"),
    entry(
      .siteList, "site ls", "", [.json],
      vi: "các điểm trong danh bạ", en: "the sites of the registry"),
    entry(
      .registryShow, "registry show", "", [],
      vi: "sổ đăng ký đang dùng", en: "the registry in use"),
    entry(
      .registrySet, "registry set", "PART FILE", [],
      vi: "thay code-lists, signers, organs hoặc policy (tại trung ương)",
      en: "replace code-lists, signers, organs or policy (at the centre)"),
    entry(
      .configCheck, "config check", "[FILE]", [],
      vi: "kiểm tra cấu hình, báo mọi lỗi; mã thoát 78 nếu sai",
      en: "check a configuration, all errors at once; exit 78 when there are any"),
    entry(
      .configShow, "config show", "[FILE]", [.origin],
      vi: "giá trị đang có hiệu lực", en: "the effective values"),
    entry(
      .certificateShow, "cert show", "[FILE]", [],
      vi: "mã điểm, vân tay và hạn của chứng thư", en: "a certificate's site, pin and end"),
    entry(
      .labCreate, "lab create", "DIR", [.provinces, .centre, .relay, .policy, .codeLists],
      vi: "dựng một mô hình thử trên máy này", en: "a ready topology on this machine, to try"),
    entry(
      .labRelay, "lab relay", "DIR SITE", [], hidden: true,
      vi: "cầu nối của --relay; dừng nó là cắt đường",
      en: "the relay of --relay; stopping it cuts the line"),
    entry(
      .version, "version", "", [],
      vi: "phiên bản của lệnh và của dongbod", en: "version of this command and of the daemon"),
  ]

  private static func entry(
    _ command: Command, _ words: String, _ operands: String, _ options: [Option],
    hidden: Bool = false, vi: String, en: String
  ) -> CommandSpecification {
    let places = operands.split(separator: " ").map { place in
      let isOptional = place.hasPrefix("[")
      return CommandSpecification.Operand(
        name: String(isOptional ? place.dropFirst().dropLast() : place), isOptional: isOptional)
    }
    return CommandSpecification(
      command: command, words: words.split(separator: " ").map(String.init), operands: places,
      options: options, summary: LocalText(vi: vi, en: en), isHidden: hidden)
  }
}
