import FixedNet

/// What a study sees of the world: its options, its data, and whom it tells how far it is.
package final class StudyContext {
  package let options: StudyOptions
  private let load: (String) throws -> DataSet
  private let report: (StudyProgress) -> Void
  private let interrupted: () -> Bool
  /// Finished parts of this study, kept in its folder, so that an interrupted study goes on where it was: name -> JSON.
  package private(set) var kept: [String: JSONValue]
  private let save: ([String: JSONValue]) throws -> Void

  /// `load`: a data set by name ("mnist", "fashion-mnist", "digits20x20"). `kept`, `save`: the parts of an earlier,
  /// interrupted run with equal options, and where they go.
  package init(
    options: StudyOptions, load: @escaping (String) throws -> DataSet,
    report: @escaping (StudyProgress) -> Void = { _ in },
    isInterrupted: @escaping () -> Bool = { false }, kept: [String: JSONValue] = [:],
    save: @escaping ([String: JSONValue]) throws -> Void = { _ in }
  ) {
    self.options = options
    self.load = load
    self.report = report
    interrupted = isInterrupted
    self.kept = kept
    self.save = save
  }

  /// Throws: `StudyError.data`.
  package func data(_ name: String) throws -> DataSet {
    do { return try load(name) } catch { throw StudyError.data("\(error)") }
  }

  /// done of total units of work (epochs, networks), and what is being done.
  package func progress(_ done: Int, of total: Int, _ what: String) {
    report(StudyProgress(done: done, total: total, what: what))
  }

  package var isInterrupted: Bool { interrupted() }

  /// Throws: `StudyError.interrupted` where the user asked to stop.
  package func checkInterrupt() throws { if isInterrupted { throw StudyError.interrupted } }

  /// The part `name` of the study: from the earlier run, or made now and kept.
  package func part(_ name: String, _ make: () throws -> JSONValue) throws -> JSONValue {
    if let value = kept[name] { return value }
    let value = try make()
    kept[name] = value
    do { try save(kept) } catch { throw StudyError.output("\(error)") }
    return value
  }
}

/// How far a study is.
package struct StudyProgress: Sendable, Equatable {
  package var done: Int
  package var total: Int
  package var what: String
}
