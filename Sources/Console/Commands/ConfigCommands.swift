import Cryptography
import Operations
import Replication
import Transport

extension CommandRun {
  /// `config check [FILE]`: offline and complete.
  func checkConfiguration() throws(CommandFailure) -> ExitCode {
    let configuration = try namedConfiguration().configuration
    terminal.line("\(configuration.site.id) \(configuration.site.tier.rawValue): OK")
    return .done
  }

  /// `config show [FILE] [--origin]`
  func showConfiguration() throws(CommandFailure) -> ExitCode {
    terminal.data(try namedConfiguration().settings.text(origin: invocation.has(.origin)))
    return .done
  }

  private func namedConfiguration() throws(CommandFailure) -> LoadedConfiguration {
    do throws(ConfigurationError) {
      guard let file = invocation.operands.first else { return try loaded.get() }
      return try LoadedConfiguration.load(file)
    } catch {
      throw CommandFailure(.badConfiguration, error.localText)
    }
  }

  /// `cert show [FILE]`: of the site's own certificate when no file is named.
  func showCertificate() throws(CommandFailure) -> ExitCode {
    let path: String
    if let file = invocation.operands.first {
      path = file
    } else {
      path = try configuration().link.certificateFile
    }
    let certificate = try readCertificate(path)
    let end = WallTime(microseconds: UInt64(max(0, certificate.validity.notAfter)) * 1_000_000)
    terminal.line("site   \(certificate.site?.description ?? "?")")
    terminal.line("pin    \(KeyPin(certificate.pin))")
    terminal.line("serial \(hexText(certificate.serial))")
    terminal.line("until  \(end.rfc3339)")
    return .done
  }

  func readCertificate(_ path: String) throws(CommandFailure) -> CertificateInfo {
    let pem = try Files.read(path, limit: 1 << 20)
    do throws(CryptographyError) {
      return try CertificateInfo(pem: pem)
    } catch {
      throw CommandFailure(.failed, "\(path): \(error)", hint: error.hint)
    }
  }
}
