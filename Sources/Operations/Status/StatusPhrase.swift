/// Words of the status screen.
package enum StatusPhrase: Sendable, CaseIterable {
  case allHealthy, peersNeedAttention, siteNeedsAttention, noPeers
  case oldestProof, neverProof, up, hidden, filesPending
  case streaming, catchUp, waiting, never, refused
  case columnSite, columnState, columnProof, columnOut, columnIn, columnKinds
  case columnConflicts, columnHeld, columnQuarantined, columnCertificate
  case why, action, see
  case reason, failures, unknown
  case clockAhead, clockBehind
  case document, directive, finance, registry

  /// The words in both languages.
  package var local: LocalText {
    switch self {
    case .allHealthy: LocalText(vi: "tốt: {0}/{0} điểm", en: "healthy: {0} of {0} sites")
    case .peersNeedAttention:
      LocalText(vi: "cần chú ý: {1}/{0} điểm", en: "attention: {1} of {0} sites")
    case .siteNeedsAttention:
      LocalText(vi: "chính điểm này cần chú ý", en: "this site itself needs attention")
    case .noPeers: LocalText(vi: "chưa có điểm nào khác", en: "no other site yet")
    case .oldestProof: LocalText(vi: "tin cũ nhất {0} trước", en: "oldest proof {0} ago")
    case .neverProof: LocalText(vi: "có điểm chưa từng nghe", en: "one never heard of")
    case .up: LocalText(vi: "{0} {1} chạy {2}", en: "{0} {1} up {2}")
    case .hidden:
      LocalText(vi: "... ẩn {0} điểm tốt (--all)", en: "... {0} healthy sites hidden (--all)")
    case .filesPending:
      LocalText(
        vi: "{0} tệp của bản ghi chưa tới", en: "{0} files of records have not come yet")
    case .streaming: LocalText(vi: "đồng bộ", en: "streaming")
    case .catchUp: LocalText(vi: "đuổi kịp", en: "catch-up")
    case .waiting: LocalText(vi: "đang chờ", en: "waiting")
    case .never: LocalText(vi: "chưa nối", en: "never")
    case .refused: LocalText(vi: "từ chối", en: "refused")
    case .columnSite: LocalText(vi: "ĐIỂM", en: "SITE")
    case .columnState: LocalText(vi: "TÌNH TRẠNG", en: "STATE")
    case .columnProof: LocalText(vi: "TIN CUỐI", en: "LAST PROOF")
    case .columnOut: LocalText(vi: "CHỜ GỬI", en: "LAG OUT")
    case .columnIn: LocalText(vi: "CHỜ NHẬN", en: "LAG IN")
    case .columnKinds: LocalText(vi: "VB NV TC", en: "DO DI FI")
    case .columnConflicts: LocalText(vi: "X.ĐỘT", en: "CONFL")
    case .columnHeld: LocalText(vi: "GIỮ", en: "HELD")
    case .columnQuarantined: LocalText(vi: "C.LY", en: "QUAR")
    case .columnCertificate: LocalText(vi: "C.THƯ", en: "CERT")
    case .why: LocalText(vi: "vì", en: "why")
    case .action: LocalText(vi: "làm", en: "do ")
    case .see: LocalText(vi: "xem", en: "see")
    case .reason: LocalText(vi: "LÝ DO", en: "REASON")
    case .failures: LocalText(vi: "LẦN HỎNG LIỀN NHAU", en: "FAILURES IN A ROW")
    case .unknown: LocalText(vi: "không biết được từ đây", en: "cannot be known from here")
    case .clockAhead: LocalText(vi: "đi trước điểm này", en: "ahead of this site")
    case .clockBehind: LocalText(vi: "đi sau điểm này", en: "behind this site")
    case .document: LocalText(vi: "văn bản {0}", en: "documents {0}")
    case .directive: LocalText(vi: "nhiệm vụ {0}", en: "directives {0}")
    case .finance: LocalText(vi: "tài chính {0}", en: "finance {0}")
    case .registry: LocalText(vi: "đăng ký {0}", en: "registry {0}")
    }
  }

  /// The words in `language`, placeholders filled.
  package func text(in language: Language, _ arguments: String...) -> String {
    local.text(in: language, arguments)
  }
}
