import Foundation
import Testing

/// Each script in `Scripts` is blocks of commands, a line `----`, and what they show, up to the next
/// empty line. `DONGBO_REWRITE=1 swift test --filter Scenarios` writes what is shown into the
/// scripts: commit only what you understand.
@Suite struct ScenarioTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Scripts")

  static let scripts: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
    .filter { $0.hasSuffix(".txt") }.sorted()

  /// The six of the mechanism, and one of each situation that records officers wrote down.
  @Test func allAreThere() {
    #expect(Self.scripts.count >= 18)
    for number in 1...12 {
      let prefix = "situation-\(number < 10 ? "0" : "")\(number)-"
      #expect(Self.scripts.filter { $0.hasPrefix(prefix) }.count == 1, "\(prefix)")
    }
  }

  @Test(arguments: scripts) func showsWhatItSays(name: String) throws {
    let file = Self.folder.appending(path: name)
    let text = try String(contentsOf: file, encoding: .utf8)
    let script = Script()
    var shown: [String] = []
    for block in text.split(separator: "\n\n", omittingEmptySubsequences: true) {
      shown.append(try show(String(block), by: script))
    }
    let result = shown.joined(separator: "\n\n") + "\n"
    if ProcessInfo.processInfo.environment["DONGBO_REWRITE"] != nil {
      try result.write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(result == text)
    }
  }

  private func show(_ block: String, by script: Script) throws -> String {
    let lines = block.split(separator: "\n").map(String.init)
    let commands = Array(lines.prefix { $0 != "----" })
    let spoken = commands.filter { !$0.hasPrefix("#") }
    guard !spoken.isEmpty else { return block.trimmingCharacters(in: .newlines) }
    let output = try script.run(spoken)
    return (commands + ["----"] + (output.isEmpty ? [] : [output])).joined(separator: "\n")
  }
}
