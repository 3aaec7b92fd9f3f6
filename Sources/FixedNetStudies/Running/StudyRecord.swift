import FixedNet
import FixedNetFiles
import Foundation

/// What is left of a finished study: enough for the summary, and to know that it need not be repeated.
public struct StudyRecord: Sendable, Equatable {
  public var name: String
  public var title: String
  public var seconds: Double
  public var checks: [ReportCheck]
  /// Names and captions, the first is the one that the summary shows.
  public var figures: [(name: String, caption: String)]

  public static func == (left: StudyRecord, right: StudyRecord) -> Bool { left.json == right.json }

  init(_ report: StudyReport, of study: any Study.Type) {
    name = study.name
    title = study.title
    seconds = report.seconds
    checks = report.checks
    figures = report.figures.map { ($0.name, $0.caption) }
  }

  public var json: JSONValue {
    [
      "name": .string(name), "title": .string(title), "seconds": .number(seconds),
      "checks": .array(
        checks.map {
          ["what": .string($0.what), "isMet": .bool($0.isMet), "found": .string($0.found)]
        }),
      "figures": .array(
        figures.map { ["name": .string($0.name), "caption": .string($0.caption)] }),
    ]
  }

  /// nil for anything that `json` did not write.
  init?(_ json: JSONValue) {
    guard case .string(let name)? = json["name"], case .string(let title)? = json["title"],
      let seconds = json["seconds"]?.double, case .array(let checks)? = json["checks"],
      case .array(let figures)? = json["figures"]
    else { return nil }
    self.name = name
    self.title = title
    self.seconds = seconds
    self.checks = checks.compactMap { check in
      guard case .string(let what)? = check["what"], case .bool(let isMet)? = check["isMet"],
        case .string(let found)? = check["found"]
      else { return nil }
      return ReportCheck(what, isMet: isMet, found: found)
    }
    self.figures = figures.compactMap { figure in
      guard case .string(let name)? = figure["name"], case .string(let caption)? = figure["caption"]
      else { return nil }
      return (name, caption)
    }
  }
}

extension JSONValue {
  /// A number, whole or not.
  public var double: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}
