import FixedNet
import FixedNetFiles
import Foundation

/// What is left of a finished study: enough for the summary, and to know that it need not be repeated.
package struct StudyRecord: Sendable, Equatable {
  package var name: String
  package var title: String
  package var seconds: Double
  package var checks: [ReportCheck]
  /// Names and captions, the first is the one that the summary shows.
  package var figures: [(name: String, caption: String)]

  package static func == (left: StudyRecord, right: StudyRecord) -> Bool { left.json == right.json }

  init(_ report: StudyReport, of study: any Study.Type) {
    name = study.name
    title = study.title
    seconds = report.seconds
    checks = report.checks.map {
      ReportCheck(OneLine.text($0.what), isMet: $0.isMet, found: OneLine.text($0.found))
    }
    figures = report.figures.map { ($0.name, OneLine.text($0.caption)) }
  }

  package var json: JSONValue {
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

  /// nil for anything that `json` did not write of this study.
  init?(_ json: JSONValue, of study: any Study.Type) {
    guard KeptFile.hasMembers(json, ["name", "title", "seconds", "checks", "figures"]),
      json["name"] == .string(study.name), json["title"] == .string(study.title),
      let seconds = KeptFile.seconds(json["seconds"]), case .array(let checks)? = json["checks"],
      case .array(let figures)? = json["figures"], checks.count <= 200, figures.count <= 200
    else { return nil }
    (name, title, self.seconds) = (study.name, study.title, seconds)
    self.checks = checks.compactMap { check in
      guard KeptFile.hasMembers(check, ["what", "isMet", "found"]),
        let what = KeptFile.text(check["what"]), case .bool(let isMet)? = check["isMet"],
        let found = KeptFile.text(check["found"])
      else { return nil }
      return ReportCheck(what, isMet: isMet, found: found)
    }
    self.figures = figures.compactMap { figure in
      guard KeptFile.hasMembers(figure, ["name", "caption"]),
        let name = KeptFile.text(figure["name"]), KeptFile.isFileName(name),
        let caption = KeptFile.text(figure["caption"])
      else { return nil }
      return (name, caption)
    }
    guard self.checks.count == checks.count, self.figures.count == figures.count else {
      return nil
    }
  }
}

extension JSONValue {
  /// A number, whole or not.
  package var double: Double? {
    switch self {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }
}
