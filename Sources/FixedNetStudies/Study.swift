import FixedNet

/// One experiment: its protocol, what it measures, and the report that puts our figures beside the reference's.
package protocol Study: Sendable {
  /// What is typed: "batch-norm".
  static var name: String { get }
  /// One line for `study list` and the report's heading.
  static var title: String { get }
  init()

  /// Runs the experiment. Asks `context.isInterrupted` between two epochs (or every tenth of a second) and throws
  /// `StudyError.interrupted` then; what it has given to `context.keep` is not lost.
  /// Throws: `StudyError`.
  func run(_ context: StudyContext) throws -> StudyReport
}

/// The studies that `study` knows, in the order of `all`.
package enum StudyRegistry {
  package static let all: [any Study.Type] = [
    SoftmaxStudy.self,
    PerceptronStudy.self,
    InitializationStudy.self,
    DyingReLUStudy.self,
    BatchNormStudy.self,
    LearningRateRangeStudy.self,
    CyclicalLearningRateStudy.self,
    BatchSizeStudy.self,
    ArchitecturesStudy.self,
    OnDeviceStudy.self,
  ]

  package static var names: [String] { all.map { $0.name } }

  package static func named(_ name: String) -> (any Study.Type)? { all.first { $0.name == name } }
}

/// Why a study ended without a report. One line.
package enum StudyError: Error, Equatable {
  case interrupted
  case unknown(name: String, known: [String])
  /// A data set that is not there or not right; the text of its error.
  case data(String)
  /// A run that went wrong: what and where.
  case failed(String)
  /// What an earlier run has kept and what cannot be its result: where, and why.
  case kept(place: String, reason: String)
  /// A report or figure that could not be written.
  case output(String)
}

extension StudyError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .interrupted: "interrupted"
    case .unknown(let name, let known):
      "no study is called '\(name)'; there are \(known.joined(separator: ", "))"
    case .kept(let place, let reason): "\(place): \(reason); begin anew with --fresh"
    case .data(let reason), .failed(let reason), .output(let reason): reason
    }
  }
}

/// What a study is run with.
package struct StudyOptions: Sendable, Equatable {
  /// A smoke run: a few hundred samples, an epoch or two; all studies in under a minute.
  package var isQuick = false
  /// nil: as many as the study's protocol says. Seeds are 0 ..< seeds.
  package var seeds: Int?
  package var threads = 1
  /// Folder with mnist/, fashion-mnist/ and digits20x20.mat or ex3data1.mat; nil: the usual places.
  package var dataDirectory: String?
  /// Studies' own switches that were given: "reference-init", "continue", "reference-gradient", "keras".
  package var switches: Set<String> = []
  /// How a study that compares with Keras has it do the same work; nil: not at all.
  package var keras: KerasTraining?
  /// Where a study of devices lets them run; nil: nowhere.
  package var bench: DeviceBench?

  package init() {}
}
