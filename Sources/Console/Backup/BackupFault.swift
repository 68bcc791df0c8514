import Operations
import Replication

/// What is wrong with a backup.
enum BackupFault: Error, Hashable {
  case notAnArchive
  /// Another tar archive.
  case notABackup
  case manifestDamaged
  case newerFormat(Int64)
  case newerSchema(found: Int64, known: Int64)
  case ofAnotherSite(found: SiteID, configured: SiteID)
  /// The header of the store is not the one that belongs to the manifest.
  case headerDamaged
  /// It ends in the middle.
  case truncated(byteCount: Int64)
  case digestMismatch
  /// Something stands where only the end may.
  case endDamaged
  /// The manifest speaks of another store.
  case storeMismatch

  /// What is wrong with the file at `path`, and what helps.
  func failure(_ path: String) -> CommandFailure {
    let name = visibleText(path)
    return CommandFailure(
      .failed, LocalText(vi: "\(name): \(text.vi)", en: "\(name): \(text.en)"), hint: hint)
  }

  private var text: LocalText {
    switch self {
    case .notAnArchive:
      LocalText(vi: "không phải kho lưu trữ tar", en: "is no tar archive")
    case .notABackup:
      LocalText(
        vi: "không phải bản sao lưu của dongbo: tệp đầu tiên phải là manifest.json",
        en: "is no backup of dongbo: its first file must be manifest.json")
    case .manifestDamaged:
      LocalText(vi: "manifest.json bị hỏng", en: "its manifest.json is damaged")
    case .newerFormat(let found):
      LocalText(
        vi: "định dạng \(found), chương trình này chỉ biết \(BackupManifest.format)",
        en: "has format \(found), this program knows \(BackupManifest.format)")
    case .newerSchema(let found, let known):
      LocalText(
        vi: "kho có lược đồ \(found), chương trình này chỉ biết đến \(known)",
        en: "its store has schema \(found), this program knows up to \(known)")
    case .ofAnotherSite(let found, let configured):
      LocalText(
        vi: "là của điểm \(found), cấu hình là của \(configured)",
        en: "is of site \(found), the configuration of \(configured)")
    case .headerDamaged:
      LocalText(
        vi: "phần đầu của store.db bị hỏng hoặc không khớp manifest.json",
        en: "the header of its store.db is damaged or does not fit manifest.json")
    case .truncated(let byteCount):
      LocalText(
        vi: "bị cắt cụt sau \(byteCount) byte", en: "is cut off after \(byteCount) bytes")
    case .digestMismatch:
      LocalText(
        vi: "store.db không khớp mã băm trong manifest.json",
        en: "its store.db is not of the digest in manifest.json")
    case .endDamaged:
      LocalText(vi: "phần cuối bị hỏng", en: "its end is damaged")
    case .storeMismatch:
      LocalText(
        vi: "store.db không phải kho mà manifest.json nói đến",
        en: "its store.db is not the store that manifest.json speaks of")
    }
  }

  private var hint: LocalText {
    switch self {
    case .newerFormat, .newerSchema:
      LocalText(
        vi: "Cài phiên bản dongbo đã ghi nó, hoặc mới hơn.",
        en: "Install the version of dongbo that wrote it, or a newer one.")
    case .ofAnotherSite:
      LocalText(
        vi: "Chỉ đúng tệp cấu hình bằng --config, hoặc dùng bản sao lưu của điểm này.",
        en: "Name the right configuration with --config, or take a backup of this site.")
    case .notAnArchive, .notABackup:
      LocalText(
        vi: "Dùng tệp do dongbo backup FILE ghi.", en: "Name a file that dongbo backup FILE wrote.")
    case .manifestDamaged, .headerDamaged, .truncated, .digestMismatch, .endDamaged,
      .storeMismatch:
      LocalText(
        vi: "Dùng một bản sao khác; chưa có gì bị thay đổi.",
        en: "Take another copy of it, or another backup; nothing has been changed.")
    }
  }
}
