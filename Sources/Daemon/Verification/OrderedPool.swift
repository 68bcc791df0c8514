import Synchronization
import Transport

/// Threads that answer the questions of one list together, and the list of answers in the order of
/// the questions. The caller's thread is one of them. Nothing is held between two lists.
final class OrderedPool<Question: Sendable, Answer: Sendable>: Sendable {
  /// More would wait for what the caller does alone between two lists.
  static var maximumThreadCount: Int { 16 }

  private let lists: Mailbox<QuestionList<Question, Answer>>
  private let shares: Mailbox<AnswerShare<Answer>>
  private let helpers: [WorkerThread]
  private let flag = StopFlag()

  var isStopped: Bool { flag.value.load(ordering: .relaxed) }

  /// - Parameters:
  ///   - name: of the other threads.
  ///   - threadCount: with the caller's.
  init(name: String, threadCount: Int) throws(TransportError) {
    let lists = try Mailbox<QuestionList<Question, Answer>>(capacity: Self.maximumThreadCount)
    let shares = try Mailbox<AnswerShare<Answer>>(capacity: Self.maximumThreadCount)
    var helpers: [WorkerThread] = []
    for _ in 1..<min(max(threadCount, 1), Self.maximumThreadCount) {
      helpers.append(
        try WorkerThread(name: name) {
          while let taken = lists.take(limit: 1) {
            for list in taken {
              while let share = list.nextShare() { shares.postReply(share) }
            }
          }
        })
    }
    self.lists = lists
    self.shares = shares
    self.helpers = helpers
  }

  /// One list at a time.
  /// - Parameter other: what the caller's thread does before it takes part.
  /// - Returns: nil when the pool was stopped before all were answered.
  func answers(
    to questions: [Question], by answer: @escaping @Sendable (Question) -> Answer,
    meanwhile other: () -> Void = {}
  ) -> [Answer]? {
    let list = QuestionList(questions, answer, flag)
    var found: [[Answer]] = Array(repeating: [], count: list.shareCount)
    for _ in helpers.prefix(max(list.shareCount - 1, 0)) { lists.postReply(list) }
    other()
    var missing = list.shareCount
    while let share = list.nextShare() {
      found[share.number] = share.answers
      missing -= 1
    }
    while missing > 0 {
      guard let taken = shares.take() else { return nil }
      for share in taken { found[share.number] = share.answers }
      missing -= taken.count
    }
    return found.flatMap { $0 }
  }

  /// From another thread: a list under way ends with nil, after the shares that are being answered.
  func stop() {
    flag.value.store(true, ordering: .relaxed)
    lists.close()
    shares.close()
    for helper in helpers { helper.join() }
  }
}

/// Set once.
private final class StopFlag: Sendable {
  let value = Atomic(false)
}

/// Answers of one share, in their order.
private struct AnswerShare<Answer: Sendable>: Sendable {
  let number: Int
  let answers: [Answer]
}

/// Questions that several threads take share by share. One that comes late finds none left.
private final class QuestionList<Question: Sendable, Answer: Sendable>: Sendable {
  /// Questions that a thread takes at once: so few that all threads end at about the same time.
  private static var shareLength: Int { 8 }

  private let questions: [Question]
  private let answer: @Sendable (Question) -> Answer
  private let isStopped: StopFlag
  private let taken = Atomic(0)

  init(
    _ questions: [Question], _ answer: @escaping @Sendable (Question) -> Answer,
    _ isStopped: StopFlag
  ) {
    self.questions = questions
    self.answer = answer
    self.isStopped = isStopped
  }

  var shareCount: Int { (questions.count + Self.shareLength - 1) / Self.shareLength }

  /// Answers the next share; nil when there is none left, or the pool was stopped.
  func nextShare() -> AnswerShare<Answer>? {
    guard !isStopped.value.load(ordering: .relaxed) else { return nil }
    let number = taken.wrappingAdd(1, ordering: .relaxed).oldValue
    guard number < shareCount else { return nil }
    let start = number * Self.shareLength
    let share = questions[start..<min(start + Self.shareLength, questions.count)]
    return AnswerShare(number: number, answers: share.map(answer))
  }
}
