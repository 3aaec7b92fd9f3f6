import FixedNet
import FixedNetFiles
import Foundation

/// The list of cases that Tests/Conformance/make_cases.py writes, beside their files.
public struct CaseFolder: Sendable {
  struct Case: Decodable, Sendable {
    enum Kind: String, Decodable { case outputs, loss, steps, rates }

    var group: String
    var name: String
    var kind: Kind
    /// The model's file in the case's folder.
    var model: String
    /// Kind `loss`: the loss.
    var value: Double?
    /// Kind `loss`: classes or numbers.
    var answers: String?
  }

  private struct Skipped: Decodable {
    var group: String
  }

  private struct List: Decodable {
    var versions: [String: String]
    var cases: [Case]
    var skipped: [Skipped]
  }

  public let path: String
  /// Of the packages that the cases come from.
  public let versions: [String: String]
  let cases: [Case]
  private let skipped: [String: Int]

  public init(_ path: String) throws {
    // Absolute: the tools run in another folder.
    self.path = URL(filePath: path).standardizedFileURL.path
    let data = try Data(contentsOf: URL(filePath: "\(path)/cases.json"))
    let list = try JSONDecoder().decode(List.self, from: data)
    versions = list.versions
    cases = list.cases
    skipped = Dictionary(list.skipped.map { ($0.group, 1) }, uniquingKeysWith: +)
  }

  /// In the order in which they were written.
  public var groups: [String] {
    var found: [String] = []
    for item in cases where !found.contains(item.group) { found.append(item.group) }
    return found
  }

  /// A row per group. `tools`: the folder of `eval` and `train`; `scratch`: an empty folder.
  public func run(tools: String, scratch: String, groups: [String]? = nil) -> [Row] {
    (groups ?? self.groups).map { group in
      Row.timed(Row(group, skipped: skipped[group] ?? 0)) { row in
        for item in cases where item.group == group {
          let trial = CaseTrial(
            folder: "\(path)/\(group)/\(item.name)", item: item, tools: tools, scratch: scratch)
          do {
            row.add(item.name, try trial.run())
          } catch {
            row.add(item.name, .failed(reason: "\(error)"))
          }
        }
      }
    }
  }
}
