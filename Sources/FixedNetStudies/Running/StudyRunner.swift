import FixedNet
import Foundation

/// Runs studies into an output folder, keeps what is done, and goes on where an earlier run stopped.
package final class StudyRunner {
  package let options: StudyOptions
  private let output: String
  private let command: String
  private let writer: ReportWriter
  private let data: StudyData
  private let report: (StudyProgress) -> Void
  private let isInterrupted: () -> Bool

  /// `output`: the folder that holds a folder per study. `command`: what repeats the run.
  package init(
    options: StudyOptions, output: String, command: String, writer: ReportWriter = ReportWriter(),
    report: @escaping (StudyProgress) -> Void = { _ in },
    isInterrupted: @escaping () -> Bool = { false }
  ) {
    self.options = options
    self.output = output
    self.command = command
    self.writer = writer
    data = StudyData(directory: options.dataDirectory)
    self.report = report
    self.isInterrupted = isInterrupted
  }

  /// A study that is finished.
  package struct Outcome {
    package var record: StudyRecord
    /// The report's folder.
    package var folder: String
    /// Whether it was finished already and has not run again.
    package var isOld: Bool
    /// How to draw the figures, where they could not be drawn here.
    package var advice: String?
  }

  /// Runs a study to its end and writes its report.
  /// `isFresh`: forget earlier runs. `skipsFinished`: a finished study with equal options is not run again.
  /// Throws: `StudyError`; what is done is kept in the study's folder.
  package func run(_ study: any Study.Type, isFresh: Bool, skipsFinished: Bool) throws(StudyError)
    -> Outcome
  {
    let folder = try StudyFolder(study.name, in: output, options: options)
    if isFresh { folder.clear() }
    if skipsFinished, let record = try folder.finished(study) {
      return Outcome(record: record, folder: folder.path, isOld: true, advice: nil)
    }
    let started = StudyRunner.now
    let before = try folder.unfinished()
    let (context, digests) = context(folder, before, started: started)
    var result: StudyReport
    do { result = try study.init().run(context) } catch let error as StudyError {
      throw error
    } catch { throw .failed("\(study.name): \(error)") }
    result.seconds = before.seconds + StudyRunner.now - started
    for (name, digest) in digests().sorted(by: { $0.key < $1.key })
    where !result.dataDigests.contains(where: { $0.name == name }) {
      result.dataDigests.append((name, digest))
    }
    let advice = try writer.write(
      result, of: study, options: options, command: command, to: folder.path)
    let record = StudyRecord(result, of: study)
    try folder.finish(record)
    return Outcome(record: record, folder: folder.path, isOld: false, advice: advice)
  }

  /// The study's view of the world, and the digests of the data that it has asked for.
  private func context(
    _ folder: StudyFolder, _ before: StudyFolder.Unfinished, started: Double
  ) -> (StudyContext, () -> [String: String]) {
    let used = UsedData(before.digests)
    let context = StudyContext(
      options: options,
      load: { [data] name in
        let set = try data.load(name)
        try used.note(name, digest: data.digest(of: name) ?? "", hasParts: !before.parts.isEmpty)
        return set
      },
      report: report, isInterrupted: isInterrupted, kept: before.parts,
      save: { parts in
        try folder.save(
          StudyFolder.Unfinished(
            parts: parts, digests: used.digests,
            seconds: before.seconds + StudyRunner.now - started))
      })
    return (context, { used.digests })
  }

  /// Seconds of a clock that only goes forward.
  static var now: Double {
    Double(DispatchTime.now().uptimeNanoseconds) * 1e-9
  }
}

/// The digests of the data that a study's parts came from.
private final class UsedData {
  private(set) var digests: [String: String]

  init(_ digests: [String: String]) { self.digests = digests }

  /// Throws: `StudyError.data` where earlier parts came from other data.
  func note(_ name: String, digest: String, hasParts: Bool) throws(StudyError) {
    if hasParts, let earlier = digests[name], earlier != digest {
      throw .data(
        "the data set \(name) is not the one that the interrupted run began with; start again with "
          + "--fresh")
    }
    digests[name] = digest
  }
}
