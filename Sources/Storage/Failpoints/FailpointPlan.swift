#if DEBUG
  import Glibc
  import Synchronization

  /// What is to happen at which passage of which point: `DONGBO_FP=name:k:action`, several with
  /// commas between. The k-th passage is counted over all threads of the process, from 1.
  struct FailpointPlan: Hashable, Sendable {
    enum Action: String, CaseIterable, Sendable {
      /// SIGKILL to the whole process.
      case kill
      /// What the environment would report there.
      case eio
      /// The thread that is there stays for ever, the others go on: what they do meanwhile, they
      /// may do before the step that follows.
      case hold
    }

    struct Step: Hashable, Sendable {
      let point: Failpoint
      let passage: Int
      let action: Action
    }

    let steps: [Step]
    private var passages: [Failpoint: Int] = [:]

    init(_ text: String) throws(FailpointFault) {
      var steps: [Step] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        steps.append(try Self.step(String(part)))
      }
      self.steps = steps
    }

    private static func step(_ text: String) throws(FailpointFault) -> Step {
      func fault(_ reason: String) -> FailpointFault { FailpointFault(part: text, reason: reason) }
      let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 3 else { throw fault("must be name:k:action") }
      guard let point = Failpoint(rawValue: parts[0]) else {
        throw fault("the points are \(names(Failpoint.self))")
      }
      guard let passage = Int(parts[1]), passage > 0 else { throw fault("k is a number from 1") }
      guard let action = Action(rawValue: parts[2]) else {
        throw fault("the actions are \(names(Action.self))")
      }
      guard action != .eio || point.canFail else { throw fault("nothing can fail there") }
      return Step(point: point, passage: passage, action: action)
    }

    private static func names<Name>(_: Name.Type) -> String
    where Name: CaseIterable & RawRepresentable<String> {
      Name.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// Counts one more passage.
    /// - Returns: what is to happen at it.
    mutating func pass(_ point: Failpoint) -> Step? {
      let passage = passages[point, default: 0] + 1
      passages[point] = passage
      return steps.first { $0.point == point && $0.passage == passage }
    }
  }

  extension FailpointPlan {
    /// That of this process; nil unless it was started with one.
    private static let armed = Mutex<FailpointPlan?>(nil)

    static func arm(_ plan: FailpointPlan) { armed.withLock { $0 = plan } }

    static func isNamed(_ point: Failpoint) -> Bool {
      armed.withLock { $0?.steps.contains { $0.point == point } ?? false }
    }

    /// - Returns: whether the caller is to report a failure of the environment.
    static func reach(_ point: Failpoint) -> Bool {
      guard let step = armed.withLock({ $0?.pass(point) }) else { return false }
      tell(step)
      switch step.action {
      case .eio: return true
      case .kill: kill(getpid(), SIGKILL)
      case .hold: break
      }
      // A killed process comes no further than here either.
      while true { pause() }
    }

    /// One line on standard error: who started this process learns that the point was reached.
    private static func tell(_ step: Step) {
      let line = "event=failpoint \(step.point.rawValue):\(step.passage):\(step.action.rawValue)\n"
      _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
  }
#endif
