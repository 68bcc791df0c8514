import Replication

/// What a run of files came to, and whether it is what must hold.
struct FilesReport {
  struct Flow {
    let writer: LabEnd
    let writtenCount: Int
    /// Before the file was whole.
    let arrivedMeanwhileCount: Int
    let arrivedCount: Int
    /// In nanoseconds, on a line that was up.
    let silence: UInt64
  }

  struct Times {
    /// In nanoseconds.
    var upload: UInt64 = 0
    var transfer: UInt64 = 0
    /// CPU seconds of both daemons in the transfer; nil when one was killed in it.
    var cpu: Double?
  }

  let plan: FilesRun.Plan
  let file: SeededFile
  let received: Digest
  let sentByteCount: Int
  let resentByteCounts: [Int]
  /// In the order of the ends.
  let residents: [MemoryWatch.Resident]
  let flows: [Flow]
  let times: Times

  var result: (figures: Figures, failures: [String]) { (figures, failures) }

  private var mostResentByteCount: Int { resentByteCounts.max() ?? 0 }

  var failures: [String] {
    var failures: [String] = []
    if received != file.digest { failures.append("the centre has other bytes than were sent") }
    if mostResentByteCount > FilesRun.maximumResentByteCount {
      failures.append(
        "\(mostResentByteCount) bytes were sent again for one fault, more than "
          + "\(FilesRun.maximumResentByteCount)")
    }
    let allowed = file.byteCount + resentByteCounts.count * FilesRun.maximumResentByteCount
    if sentByteCount > allowed {
      failures.append("\(sentByteCount) bytes were sent, more than \(allowed)")
    }
    for (end, resident) in zip(LabEnd.allCases, residents)
    where plan.isGrowthJudged && resident.differenceMiB > FilesRun.maximumGrowthMiB {
      failures.append(
        "the \(end) grew by \(Statistics.fixed(resident.differenceMiB, 1)) MiB, more than "
          + "\(Statistics.fixed(FilesRun.maximumGrowthMiB, 1))")
    }
    for flow in flows {
      if flow.arrivedMeanwhileCount == 0 || flow.arrivedCount != flow.writtenCount {
        failures.append(
          "of \(flow.writtenCount) directives of the \(flow.writer) \(flow.arrivedCount) arrived, "
            + "\(flow.arrivedMeanwhileCount) before the file")
      }
      if Self.seconds(flow.silence) > FilesRun.maximumSilenceSeconds {
        failures.append(
          "no directive of the \(flow.writer) arrived for "
            + "\(Statistics.fixed(Self.seconds(flow.silence), 2)) s on a line that was up")
      }
    }
    return failures
  }

  var figures: Figures {
    var figures = Figures()
    figures.add("sizeBytes", count: file.byteCount)
    figures.add("digestSent", word: "\(file.digest)")
    figures.add("digestReceived", word: "\(received)")
    figures.add("digestsEqual", word: received == file.digest ? "yes" : "no")
    figures.add("uploadSeconds", Self.seconds(times.upload), decimals: 2)
    figures.add("transferSeconds", Self.seconds(times.transfer), decimals: 2)
    let rate = Statistics.rate(file.byteCount, nanoseconds: times.transfer)
    figures.add("transferMBPerSecond", rate / 1e6, decimals: 1)
    if let cpu = times.cpu { figures.add("transferCPUSeconds", cpu, decimals: 2) }
    figures.add("cuts", count: plan.cutCount)
    figures.add("kills", count: plan.killCount)
    figures.add("contentBytesSent", count: sentByteCount)
    figures.add("contentBytesSentAgain", count: max(0, sentByteCount - file.byteCount))
    figures.add("mostBytesSentAgainPerFault", count: mostResentByteCount)
    for (end, resident) in zip(LabEnd.allCases, residents) {
      figures.add("\(end)IdleMiB", resident.idleMiB, decimals: 1)
      figures.add("\(end)PeakMiB", resident.peakMiB, decimals: 1)
      figures.add("\(end)GrowthMiB", resident.differenceMiB, decimals: 1)
    }
    figures.add("mostGrowthMiB", residents.map(\.differenceMiB).max() ?? 0, decimals: 1)
    for flow in flows {
      let name = "directivesOf\(flow.writer == .centre ? "Centre" : "Province")"
      figures.add(name + "Written", count: flow.writtenCount)
      figures.add(name + "ArrivedBeforeFile", count: flow.arrivedMeanwhileCount)
      figures.add(name + "Arrived", count: flow.arrivedCount)
      figures.add(name + "LongestSilenceSeconds", Self.seconds(flow.silence), decimals: 2)
    }
    return figures
  }

  private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
}
