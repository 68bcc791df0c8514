/// A finding's stable id: in the screen, in JSON, in metrics, in alerts and for `dongbo explain`.
package enum CheckID: String, Sendable, CaseIterable {
  case neverConnected = "DB-LINK-001"
  case linkRefused = "DB-LINK-002"
  case linkWaiting = "DB-LINK-003"
  case twoHolders = "DB-LINK-004"
  case aboveCeiling = "DB-SECR-001"
  case clockOff = "DB-CLOCK-001"
  case certificateExpiring = "DB-CERT-001"
  case conflictsOpen = "DB-CONF-001"
  case quarantineNotEmpty = "DB-QUAR-001"
  case heldTooLong = "DB-HOLD-001"
  case locked = "DB-SITE-001"
  case recovering = "DB-SITE-002"
  case rolledBack = "DB-SITE-003"
  case diskLow = "DB-DISK-001"
  case reloadFailed = "DB-CFG-001"

  /// One line; `{0}` and `{1}` are the facts of the finding.
  package var title: LocalText {
    switch self {
    case .neverConnected:
      LocalText(vi: "chưa từng kết nối", en: "has never connected")
    case .linkRefused: LocalText(vi: "bị từ chối: {0}", en: "refused: {0}")
    case .linkWaiting:
      LocalText(vi: "không có phiên từ {0}: {1}", en: "no session since {0}: {1}")
    case .twoHolders:
      LocalText(vi: "hai máy cùng dùng một mã điểm", en: "two machines use this one identity")
    case .aboveCeiling:
      LocalText(
        vi: "có mục vượt trần độ mật, không gửi đi: {0}",
        en: "an entry above the ceiling does not leave: {0}")
    case .clockOff:
      LocalText(
        vi: "đồng hồ lệch ít nhất {0}, {1}", en: "its clock is off by at least {0}, {1}")
    case .certificateExpiring:
      LocalText(
        vi: "chứng thư hết hạn sau {0} ngày ({1})", en: "certificate ends in {0} days ({1})")
    case .conflictsOpen:
      LocalText(vi: "xung đột chờ quyết định: {0}", en: "conflicts that wait for a decision: {0}")
    case .quarantineNotEmpty:
      LocalText(vi: "mục bị cách ly: {0}", en: "entries in quarantine: {0}")
    case .heldTooLong:
      LocalText(vi: "mục bị giữ: {0}, lâu nhất {1}", en: "entries held: {0}, the oldest for {1}")
    case .locked: LocalText(vi: "điểm bị khóa: {0}", en: "this site is locked: {0}")
    case .recovering:
      LocalText(vi: "đang lấy lại dữ liệu: {0}", en: "taking its entries back: {0}")
    case .rolledBack:
      LocalText(
        vi: "quay về bản cũ lúc {0}: sau mục {1} có hai nhánh",
        en: "went back to an older copy at {0}: two branches after entry {1}")
    case .diskLow:
      LocalText(vi: "đĩa còn {0}, mức dự trữ {1}", en: "{0} of disk left, the reserve is {1}")
    case .reloadFailed:
      LocalText(vi: "cấu hình mới bị bỏ: {0}", en: "new configuration not taken: {0}")
    }
  }

  /// What it means and what usually causes it.
  package var why: LocalText {
    switch self {
    case .neverConnected:
      LocalText(
        vi: "điểm kia chưa được cài, chưa có chứng thư hoặc đường truyền chưa thông",
        en: "the other site is not installed, has no certificate yet, or the line is not open")
    case .linkRefused:
      LocalText(
        vi: "một đầu không chấp nhận đầu kia: chứng thư, khóa, mã điểm hoặc dấu vết sổ không khớp",
        en: "one end does not accept the other: certificate, key, id or checkpoint do not match")
    case .linkWaiting:
      LocalText(
        vi: "đường truyền đứt, máy kia dừng hoặc cổng bị chặn; tự gọi lại, không mất gì",
        en: "the line is cut, the other machine is down or a port is closed; it redials by itself,"
          + " nothing is lost")
    case .twoHolders:
      LocalText(
        vi: "một máy ảo bị nhân bản hoặc bản khôi phục chạy song song với máy cũ",
        en: "a virtual machine was cloned, or a restored copy runs beside the old machine")
    case .aboveCeiling:
      LocalText(
        vi: "sổ của điểm này có mục mật, lẽ ra bị từ chối khi ghi: lỗi phần mềm hoặc sổ bị sửa;"
          + " liên kết dừng tại mục đó, không bỏ qua",
        en: "this site's log has a secret entry that ingest should have refused: a fault of"
          + " dongbod, or the store was altered; the link stops at it and skips nothing")
    case .clockOff:
      LocalText(
        vi: "một trong hai máy không được chỉnh giờ; thứ tự và nội dung không sai, nhưng giờ ghi,"
          + " hạn xử lý theo ngày và chứng thư được xét theo giờ sai; nhiều điểm cùng lệch là"
          + " đồng hồ tại đây sai. Đo lại ở phiên sau",
        en: "one of the two machines does not keep time; order and content are right all the same,"
          + " but stamps, deadlines by the day and certificates go by a wrong clock; when many"
          + " peers are off, it is the clock here. Measured again at the next session")
    case .certificateExpiring:
      LocalText(
        vi: "sau ngày này liên kết không bắt tay được nữa",
        en: "from that day on the link cannot be established")
    case .conflictsOpen:
      LocalText(
        vi: "có hai phiên bản và chỉ chủ sở hữu được chọn; cả hai đều được giữ",
        en: "there are two versions and only the owner may choose; both are kept")
    case .quarantineNotEmpty:
      LocalText(
        vi: "mục không áp dụng được ở đây; nội dung được giữ cùng lý do",
        en: "they cannot be applied here; they are kept with the reason")
    case .heldTooLong:
      LocalText(
        vi: "chúng chờ một mục hoặc bản đăng ký chưa tới",
        en: "they wait for an entry or a registry revision that has not arrived")
    case .locked:
      LocalText(
        vi: "có bằng chứng mất dữ liệu; điểm chỉ đọc và nhận, không cấp số mới",
        en: "there is proof of loss; the site reads and receives, and gives out no numbers")
    case .recovering:
      LocalText(
        vi: "điểm đang nhận lại các mục của chính mình từ các điểm khác",
        en: "the site takes its own entries back from its peers")
    case .rolledBack:
      LocalText(
        vi: "máy được khôi phục từ bản sao cũ hoặc bị nhân bản; cả hai nhánh được giữ, không"
          + " mục nào bị ghi đè; số do người cấp có thể đã cấp hai lần. Hiện trong 7 ngày",
        en: "a restore, a snapshot put back, or a clone; both branches are kept and nothing is"
          + " overwritten; numbers that people give may have been given twice. Shown for 7 days")
    case .diskLow:
      LocalText(
        vi: "dưới mức dự trữ ứng dụng nhận 507 và các liên kết dừng nhận",
        en: "below the reserve applications get 507 and links stop taking entries")
    case .reloadFailed:
      LocalText(
        vi: "tệp cấu hình có lỗi; dịch vụ vẫn chạy với cấu hình cũ",
        en: "the files have faults; the daemon goes on with the configuration it had")
    }
  }

  /// What to do, `{0}` is the site where there is one. Commands can be pasted.
  package var action: LocalText {
    switch self {
    case .neverConnected, .linkWaiting:
      LocalText(
        vi: "dongbo status {0}; kiểm tra đường truyền và dịch vụ ở đầu kia",
        en: "dongbo status {0}; check the line and the service at the other end")
    case .linkRefused:
      LocalText(
        vi: "dongbo status {0}; so chứng thư và CentrePin ở hai đầu",
        en: "dongbo status {0}; compare certificate and CentrePin at both ends")
    case .twoHolders:
      LocalText(
        vi: "dừng bản sao của {0}, rồi dongbo rejoin tại điểm còn lại",
        en: "stop the copy of {0}, then dongbo rejoin at the one that stays")
    case .aboveCeiling:
      LocalText(
        vi: "dừng dongbod tại đây, giữ nguyên máy, báo Cơ yếu; xem chặng đã qua: dongbo why",
        en: "stop dongbod here, leave the machine as it is, tell the cipher office; see how far"
          + " it went: dongbo why")
    case .clockOff:
      LocalText(
        vi: "chronyc tracking tại đây và tại {0}; sửa nguồn giờ của máy sai (chronyc sources)",
        en: "chronyc tracking here and at {0}; mend the time source of the one that is wrong"
          + " (chronyc sources)")
    case .certificateExpiring:
      LocalText(
        vi: "cấp chứng thư mới cho {0}, rồi dongbo reload",
        en: "issue a new certificate for {0}, then dongbo reload")
    case .conflictsOpen: LocalText(vi: "dongbo conflicts", en: "dongbo conflicts")
    case .quarantineNotEmpty: LocalText(vi: "dongbo quarantine", en: "dongbo quarantine")
    case .heldTooLong: LocalText(vi: "dongbo quarantine", en: "dongbo quarantine")
    case .locked: LocalText(vi: "dongbo rejoin", en: "dongbo rejoin")
    case .rolledBack:
      LocalText(
        vi: "tại {0}: dongbo rejoin; số cấp hai lần: dongbo conflicts",
        en: "at {0}: dongbo rejoin; numbers given twice: dongbo conflicts")
    case .recovering:
      LocalText(
        vi: "chờ; điểm nào không còn thì dongbo rejoin --without ĐIỂM",
        en: "wait; for a peer that is gone: dongbo rejoin --without SITE")
    case .diskLow:
      LocalText(
        vi: "giải phóng hoặc mở rộng đĩa của DataDirectory",
        en: "free or enlarge the disk of DataDirectory")
    case .reloadFailed: LocalText(vi: "dongbo config check", en: "dongbo config check")
    }
  }

  /// The page of `dongbo explain ID`.
  package func explanation(in language: Language) -> String {
    let words = ["…", "…"]
    let heading = title.text(in: language, words)
    return """
      \(rawValue)  \(heading)

        \(StatusPhrase.why.text(in: language))  \(why.text(in: language))
        \(StatusPhrase.action.text(in: language))  \(action.text(in: language, ["SITE"]))

      """
  }
}

/// How bad, in the order of Nagios exit codes.
package enum Severity: Int, Sendable, Comparable, CaseIterable {
  case ok = 0
  case warning = 1
  case critical = 2

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The word in JSON and, in capitals, on the screen; never translated.
  package var name: String {
    switch self {
    case .ok: "ok"
    case .warning: "warning"
    case .critical: "critical"
    }
  }
}

/// One thing that wants attention.
package struct Finding: Equatable, Sendable {
  package let id: CheckID
  package let severity: Severity
  /// The peer concerned, or this site.
  package let site: String
  /// Facts for the title; text that came from elsewhere is made visible when shown.
  package let arguments: [Argument]

  /// A fact whose wording may depend on the language.
  package enum Argument: Equatable, Sendable {
    case text(String)
    case phrase(StatusPhrase)
  }

  /// One line in `language`, safe for a terminal.
  package func title(in language: Language) -> String {
    let words = arguments.map { argument in
      switch argument {
      case .text(let text): visibleText(text)
      case .phrase(let phrase): phrase.text(in: language)
      }
    }
    return id.title.text(in: language, words)
  }
}
