import Dispatch
import Glibc
import Operations
import Synchronization
import Testing

@testable import Console
@testable import Transport

/// What one run of the command line wrote, and its exit code.
struct Outcome {
  let exitCode: ExitCode
  let output: String
  let error: String
  var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// Runs the command line as a shell would, in English unless told otherwise.
func dongbo(_ arguments: String..., environment: [String: String] = [:]) -> Outcome {
  run(arguments, environment: environment)
}

func run(_ arguments: [String], environment: [String: String] = [:]) -> Outcome {
  var output: [UInt8] = []
  var error: [UInt8] = []
  let variables = ["LANG": "en_US.UTF-8"].merging(environment) { $1 }
  let exitCode = Program.run(
    arguments, environment: { variables[$0] },
    makeTerminal: { language in
      Terminal(language: language, output: { output += $0 }, error: { error += $0 })
    })
  return Outcome(
    exitCode: exitCode, output: String(decoding: output, as: UTF8.self),
    error: String(decoding: error, as: UTF8.self))
}

/// A directory that goes away with this value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/dongbo-console.XXXXXX".utf8CString)
    let made = mkdtemp(&template) != nil
    try #require(made)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  func file(_ name: String, _ text: String) throws -> String {
    let file = path + "/" + name
    try Files.create(file, Array(text.utf8))
    return file
  }

  private static func remove(_ path: String) {
    var names: [String] = []
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
      }
      closedir(stream)
    }
    for name in names where unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
    rmdir(path)
  }
}

/// A province's configuration with an admin socket, and who answers there.
final class FakeSite: Sendable {
  let directory: TemporaryDirectory
  let configuration: String
  private let requests = Mutex<[String]>([])
  private let isStopped = Mutex(false)
  private let thread = Mutex<WorkerThread?>(nil)

  /// - Parameter answer: nil: nobody listens.
  init(answer: (@Sendable (HTTPRequest) -> HTTPResponse)? = nil) throws {
    directory = try TemporaryDirectory()
    configuration = try directory.file(
      "dongbo.conf",
      """
      [Site]
      Id=lang-son
      Tier=province
      DataDirectory=data
      WitnessFile=witness
      [Link]
      CentreAddress=127.0.0.1:7443
      CentrePin=sha256:\(String(repeating: "0", count: 64))
      [Admin]
      Socket=admin.sock
      """)
    guard let answer else { return }
    let ready = DispatchSemaphore(value: 0)
    let worker = try WorkerThread(name: "fake-site") { [self] in
      serve(answer) { ready.signal() }
    }
    thread.withLock { $0 = worker }
    ready.wait()
  }

  /// Requests so far as `POST /api/v1/records/finance {body}`.
  var seen: [String] { requests.withLock { $0 } }

  func run(_ arguments: String...) -> Outcome {
    ConsoleTests.run(["--config", configuration] + arguments)
  }

  /// Must be called at the end: the thread holds this object.
  func stop() {
    isStopped.withLock { $0 = true }
    thread.withLock { $0 }?.join()
  }

  private func serve(
    _ answer: @escaping @Sendable (HTTPRequest) -> HTTPResponse, _ ready: () -> Void
  ) {
    do {
      let loop = try EventLoop()
      let server = try HTTPServer(
        adopting: try Socket.listen(onUnixPath: directory.path + "/admin.sock"), on: loop,
        hosts: .any
      ) { request, _, respond in
        let body = String(decoding: request.body, as: UTF8.self)
        let text = "\(request.method.rawValue) \(request.target.text) \(body)"
        self.requests.withLock { $0.append(text) }
        respond(answer(request))
      }
      ready()
      while !isStopped.withLock({ $0 }) { try loop.runOnce(atMost: .milliseconds(5)) }
      server.close()
    } catch {
      Issue.record(error)
      ready()
    }
  }
}

func json(_ text: String, status: Int = 200) -> HTTPResponse {
  HTTPResponse(HTTPStatus(status), contentType: "application/json", body: Array(text.utf8))
}

func problem(_ status: Int, _ code: String) -> HTTPResponse {
  json(#"{"status":\#(status),"code":"\#(code)","title":"no"}"#, status: status)
}

/// The folder that holds Package.swift.
let repository = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
