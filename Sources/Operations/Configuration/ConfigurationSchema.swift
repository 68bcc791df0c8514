import Replication

/// The one table of configuration keys: the parser, `config show`, the difference of a reload and
/// the test of the samples work from it. Sections and keys are in the order they are shown.
package enum ConfigurationSchema {
  /// All keys.
  package static let definitions: [KeyDefinition] =
    site + link + records + files + admin + monitoring + limits + log

  /// Names of the sections, each once.
  package static let sections: [String] = definitions.reduce(into: []) { names, definition in
    if names.last != definition.section { names.append(definition.section) }
  }

  /// What the table says about `key`.
  package static func definition(of key: ConfigurationKey) -> KeyDefinition {
    guard let found = definitions.first(where: { $0.key == key }) else {
      preconditionFailure("\(key) is not in the schema")
    }
    return found
  }

  private static let site: [KeyDefinition] = [
    .init(
      .siteID, "Site", "Id", .site, nil, restart: true,
      vi: "mã điểm, không bao giờ dùng lại", en: "this site's id, never used again"),
    .init(
      .tier, "Site", "Tier", .tier, nil, restart: true,
      vi: "cấp: centre hoặc province", en: "centre or province"),
    .init(
      .language, "Site", "Language", .language, "vi", restart: false,
      vi: "ngôn ngữ của thông báo", en: "language of messages"),
    .init(
      .dataDirectory, "Site", "DataDirectory", .path, "/var/lib/dongbo", restart: true,
      vi: "nơi lưu sổ và tệp", en: "where the log and the files are kept"),
    .init(
      .witnessFile, "Site", "WitnessFile", .path, "/var/lib/dongbo-witness/witness",
      restart: true, vi: "tệp chứng, ngoài DataDirectory, tốt nhất trên đĩa khác",
      en: "proves a roll-back; outside DataDirectory, best on another disk"),
    .init(
      .registrySeed, "Site", "RegistrySeed", .path, nil, restart: true,
      vi: "trung ương: nội dung bản đăng ký số 1 (JSON), dùng khi khởi động lần đầu",
      en: "centre: content of registry revision 1 (JSON), used at the first start"),
  ]

  private static let link: [KeyDefinition] = [
    .init(
      .linkListen, "Link", "Listen", .address, nil, isList: true, restart: true,
      vi: "trung ương: địa chỉ chờ kết nối", en: "centre: addresses to accept provinces on"),
    .init(
      .centreAddress, "Link", "CentreAddress", .address, nil, isList: true, restart: false,
      vi: "tỉnh: các địa chỉ của trung ương, thử lần lượt",
      en: "province: addresses of the centre, tried in turn"),
    .init(
      .centreID, "Link", "CentreId", .site, "trung-uong", restart: false,
      vi: "tỉnh: mã của trung ương", en: "province: the centre's id"),
    .init(
      .centrePin, "Link", "CentrePin", .pin, nil, restart: false,
      vi: "vân tay khóa của trung ương", en: "pin of the centre's link key"),
    .init(
      .certificateFile, "Link", "CertificateFile", .path, "link.crt", restart: false,
      vi: "chứng thư của điểm này (PEM)", en: "this site's certificate (PEM)"),
    .init(
      .keyFile, "Link", "KeyFile", .path, "link.key", restart: false,
      vi: "khóa riêng, quyền 0640 trở xuống", en: "its private key, mode 0640 or less"),
    .init(
      .authorityFile, "Link", "AuthorityFile", .path, "link-ca.crt", restart: false,
      vi: "chứng thư của CA cho đường liên kết", en: "certificate of the link authority"),
    .init(
      .revocationFile, "Link", "RevocationFile", .path, nil, restart: false,
      vi: "danh sách thu hồi (CRL)", en: "its revocation list (CRL)"),
    .init(
      .formerKeyFile, "Link", "FormerKeyFile", .path, nil, isList: true, restart: true,
      vi: "khóa liên kết trước đây", en: "the link key before this one"),
  ]

  private static let records: [KeyDefinition] = [
    .init(
      .recordAuthorityFile, "Records", "AuthorityFile", .path, nil, restart: false,
      vi: "chứng thư gốc của chữ ký số trên bản ghi (PEM), khác CA của đường liên kết",
      en: "anchors of the signatures on records (PEM), apart from the link authority"),
    .init(
      .recordRevocationFile, "Records", "RevocationFile", .path, nil, restart: false,
      vi: "danh sách thu hồi của các CA đó", en: "their revocation lists (CRL)"),
    .init(
      .timestampAuthorityFile, "Records", "TimestampAuthorityFile", .path, nil, restart: false,
      vi: "chứng thư gốc của dấu thời gian", en: "anchors of time-stamp tokens"),
  ]

  private static let files: [KeyDefinition] = [
    .init(
      .fileGrace, "Files", "Grace", .duration(.seconds(60)...(.days(3650))), "7d",
      restart: false, vi: "tệp không còn bản ghi nào nhắc đến được giữ bao lâu",
      en: "how long a file is kept that no living record names"),
    .init(
      .unnamedFileQuota, "Files", "UnnamedQuota", .size(1 << 20...1 << 50), "4G",
      restart: false, vi: "tổng dung lượng tệp đã nhận mà chưa bản ghi nào nhắc đến",
      en: "bytes of files taken that no record names yet, all together"),
  ]

  private static let admin: [KeyDefinition] = [
    .init(
      .adminSocket, "Admin", "Socket", .path, "/run/dongbo/admin.sock", restart: true,
      vi: "ổ cắm quản trị", en: "admin socket"),
    .init(
      .writeGroup, "Admin", "WriteGroup", .name, "dongbo-admin", restart: false,
      vi: "nhóm được ghi", en: "group that may write"),
    .init(
      .readGroup, "Admin", "ReadGroup", .name, "dongbo-read", restart: false,
      vi: "nhóm được đọc", en: "group that may read"),
  ]

  private static let monitoring: [KeyDefinition] = [
    .init(
      .monitoringListen, "Monitoring", "Listen", .address, "127.0.0.1:9464", restart: true,
      vi: "địa chỉ của /metrics và /health", en: "address of /metrics and /health"),
    .init(
      .allowedHost, "Monitoring", "AllowedHost", .host, nil, isList: true, restart: false,
      vi: "tên trong trường Host được chấp nhận thêm", en: "further names accepted in Host"),
    .init(
      .silenceWarning, "Monitoring", "SilenceWarning", .duration(.seconds(1)...(.days(365))),
      "15m", restart: false, vi: "im lặng bao lâu thì cảnh báo",
      en: "silence of a peer that raises DB-LINK-003"),
    .init(
      .heldWarning, "Monitoring", "HeldWarning", .duration(.seconds(1)...(.days(365))), "1d",
      restart: false, vi: "mục bị giữ bao lâu thì cảnh báo",
      en: "time an entry may be held before DB-HOLD-001"),
    .init(
      .certificateWarning, "Monitoring", "CertificateWarning",
      .duration(.seconds(1)...(.days(365))), "30d", restart: false,
      vi: "báo trước khi chứng thư hết hạn", en: "warning ahead of a certificate's end"),
  ]

  /// What a session grants before it knows the line: no window is smaller.
  private static let smallestWindow = LinkLimits().initialCredit

  private static let limits: [KeyDefinition] = [
    .init(
      .maximumFrame, "Limits", "MaximumFrame", .size(8 << 10...1 << 20), "1M", restart: false,
      vi: "khung lớn nhất trên đường liên kết", en: "largest frame on a link"),
    .init(
      .linkWindowEntries, "Limits", "LinkWindowEntries",
      .count(Int(smallestWindow.entries)...1_000_000), "65536", restart: false,
      vi: "số mục chưa xác nhận trên mỗi liên kết",
      en: "entries in flight on a link"),
    .init(
      .linkWindowBytes, "Limits", "LinkWindowBytes",
      .size(UInt64(smallestWindow.bytes)...256 << 20), "32M",
      restart: false, vi: "số byte chưa xác nhận trên mỗi liên kết", en: "bytes in flight on a link"
    ),
    .init(
      .groupEntries, "Limits", "GroupEntries", .count(1...100_000), "2000", restart: false,
      vi: "số mục nhiều nhất trong một giao dịch", en: "most entries in one transaction"),
    .init(
      .groupBytes, "Limits", "GroupBytes", .size(64 << 10...64 << 20), "4M", restart: false,
      vi: "số byte nhiều nhất trong một giao dịch", en: "most bytes in one transaction"),
    .init(
      .reserveBytes, "Limits", "ReserveBytes", .size(16 << 20...1 << 40), "1G", restart: false,
      vi: "chỗ đĩa dành cho xác nhận; dưới mức này ứng dụng nhận 507",
      en: "disk kept for acknowledgements; below it applications get 507"),
    .init(
      .keepSuperseded, "Limits", "KeepSuperseded", .duration(.seconds(1)...(.days(36_500))),
      "365d", restart: false, vi: "nội dung đã bị thay thế được giữ bao lâu để tra cứu",
      en: "how long superseded content stays readable; then its stub stays"),
    .init(
      .readerTime, "Limits", "ReaderTime", .duration(.milliseconds(10)...(.seconds(60))), "2s",
      restart: false, vi: "thời gian tối đa của một lần đọc", en: "longest read of the store"),
    .init(
      .heartbeat, "Limits", "Heartbeat", .duration(.seconds(1)...(.seconds(600))), "15s",
      restart: false, vi: "chu kỳ PING khi không có dữ liệu", en: "PING on an idle link"),
    .init(
      .sessionLife, "Limits", "SessionLife", .duration(.seconds(60)...(.days(30))), "12h",
      restart: false, vi: "phiên dài nhất trước khi bắt tay lại",
      en: "longest session before a new handshake"),
    .init(
      .handshakeTime, "Limits", "HandshakeTime", .duration(.seconds(1)...(.seconds(120))), "20s",
      restart: false, vi: "thời gian tối đa từ kết nối đến HELLO_OK",
      en: "longest way from connect to HELLO_OK"),
    .init(
      .maximumLinks, "Limits", "MaximumLinks", .count(1...4096), "256", restart: false,
      vi: "số kết nối liên kết cùng lúc", en: "link connections at a time"),
    .init(
      .reconnectFirst, "Limits", "ReconnectFirst", .duration(.milliseconds(10)...(.seconds(60))),
      "1s", restart: false, vi: "chờ trước lần gọi lại đầu tiên", en: "wait before the first redial"
    ),
    .init(
      .reconnectLast, "Limits", "ReconnectLast", .duration(.seconds(1)...(.seconds(3600))), "60s",
      restart: false, vi: "chờ lâu nhất giữa hai lần gọi", en: "longest wait between two dials"),
    .init(
      .maximumAdminConnections, "Limits", "MaximumAdminConnections", .count(1...4096), "256",
      restart: false, vi: "số kết nối quản trị và giám sát cùng lúc",
      en: "admin and monitoring connections at a time"),
  ]

  private static let log: [KeyDefinition] = [
    .init(
      .logFormat, "Log", "Format", .logFormat, "logfmt", restart: false,
      vi: "logfmt hoặc json", en: "logfmt or json"),
    .init(
      .logLevel, "Log", "Level", .logLevel, "info", restart: false,
      vi: "debug, info, notice, warning hoặc error",
      en: "debug, info, notice, warning or error"),
  ]
}

extension Duration {
  /// Days of 24 hours.
  package static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }
}
