import Glibc
import Operations

/// The command line as a whole: arguments in, exit code out.
package enum Program {
  /// Runs this process's own command on its own terminal.
  /// - Returns: what the process exits with.
  package static func run(_ arguments: [String]) -> Int32 {
    run(
      arguments, environment: { name in getenv(name).map { String(cString: $0) } },
      makeTerminal: Terminal.standard
    ).rawValue
  }

  /// Runs one command.
  /// - Parameters:
  ///   - environment: looks up a variable of the process.
  ///   - makeTerminal: called once, when the language is known.
  static func run(
    _ arguments: [String], environment: (String) -> String?,
    makeTerminal: (Language) -> Terminal
  ) -> ExitCode {
    do throws(CommandFailure) {
      switch try parseArguments(arguments) {
      case .help(let words, let language):
        let chosen = Language.choose(
          flag: language?.rawValue, environment: environment, configured: nil)
        makeTerminal(chosen).data(Help.text(words, in: chosen))
        return .done
      case .run(let invocation):
        return run(invocation, environment: environment, makeTerminal: makeTerminal)
      }
    } catch {
      let language = Language.choose(flag: nil, environment: environment, configured: nil)
      makeTerminal(language).note(error.text(in: language))
      return error.exitCode
    }
  }

  private static func run(
    _ invocation: Invocation, environment: (String) -> String?,
    makeTerminal: (Language) -> Terminal
  ) -> ExitCode {
    let path =
      invocation.value(.config) ?? environment("DONGBO_CONFIG")
      ?? CommandRun.defaultConfigurationPath
    let loaded: Result<LoadedConfiguration, ConfigurationError>
    do throws(ConfigurationError) {
      loaded = .success(try LoadedConfiguration.load(path))
    } catch {
      loaded = .failure(error)
    }
    let language = Language.choose(
      flag: invocation.value(.language), environment: environment,
      configured: (try? loaded.get())?.configuration.site.language)
    let terminal = makeTerminal(language)
    let run = CommandRun(invocation, terminal: terminal, loaded: loaded)
    do throws(CommandFailure) {
      return try run.execute()
    } catch {
      terminal.note(error.text(in: language))
      return error.exitCode
    }
  }
}

extension CommandRun {
  /// Does what the command says.
  func execute() throws(CommandFailure) -> ExitCode {
    switch invocation.command {
    case .put: try put()
    case .append: try append()
    case .annotate: try annotate()
    case .withdraw: try withdraw()
    case .sign: try sign()
    case .filePut: try putFile()
    case .get: try get()
    case .list: try list()
    case .changes: try changes()
    case .why: try why()
    case .conflictsList: try listConflicts()
    case .conflictsShow: try showConflict()
    case .conflictsResolve: try resolveConflict()
    case .status: try status()
    case .digest: try digest()
    case .quarantineList: try listQuarantine()
    case .quarantineShow: try showQuarantined()
    case .quarantineRetry: try settleQuarantined("retry")
    case .quarantineRelease: try settleQuarantined("release")
    case .registryShow: try showRegistry()
    case .registrySet: try setRegistry()
    case .explain: try explain()
    case .siteAdd: try addSite()
    case .siteList: try listSites()
    case .backup: try backUp()
    case .restore: try restore()
    case .rejoin: try rejoin()
    case .reload: try reload()
    case .configCheck: try checkConfiguration()
    case .configShow: try showConfiguration()
    case .certificateShow: try showCertificate()
    case .labCreate: try createLab()
    case .labRelay: try relayLab()
    case .version: try version()
    }
  }
}
