import FixedNet
import Testing

@testable import FixedNetStudies

@Suite("Dying ReLU")
struct DyingReLUTests {
  private static func report(threads: Int) throws -> StudyReport {
    var options = StudyOptions()
    options.isQuick = true
    options.threads = threads
    return try DyingReLUStudy().run(
      StudyContext(options: options) { _ in throw StudyError.data("") })
  }

  @Test("a quick run shows the collapse, with the same numbers on any number of threads")
  func quick() throws {
    let report = try Self.report(threads: 1)
    let again = try Self.report(threads: 3)
    #expect(report.csv == again.csv)
    #expect(report.modelHashes.map(\.sha256) == again.modelHashes.map(\.sha256))
    #expect(report.csv.allSatisfy { $0.count == report.csv[0].count })
    // Two ensembles, 19 rows of two counts, a map of 100 cells twice, two looks at the long run; three counts each.
    #expect(report.csv.count == 1 + 3 * 2 + 2 * 19 + 3 * 200 + 3 * 2)
    // What holds for a thousand networks of one seed already.
    for check in report.checks.prefix(2) + report.checks.suffix(2) {
      #expect(check.isMet, "\(check.what): \(check.found)")
    }
    #expect(report.figures.map(\.name) == ["collapse", "examples"])
    guard case .lines(let lines) = report.figures[1].panels[0].content else { return }
    // The function is drawn last, on top.
    #expect(lines.first?.label == "collapsed" && lines.last?.label == "f(x) = |x|")
    #expect(Set(lines[0].points.map(\.y)).count == 1)
  }

  @Test(
    "networks are born dead as often as an independent simulation says", arguments: [2, 3, 5, 8])
  func bornDead(width: Int) throws {
    for reference in BornDead.reference where reference.width == width {
      let found = try BornDead(
        width: width, depth: reference.depth, count: 8000, seed: 5, threads: 2)
      // Five standard errors of the difference to 40,000 simulated ones, and the table's rounding.
      func bound(_ percent: Double) -> Double {
        let p = max(percent, 0.5) / 100
        return 0.05 + 500 * (p * (1 - p) * (1 / 8000.0 + 1 / 40_000.0)).squareRoot()
      }
      #expect(abs(found.deadPercent - reference.dead) < bound(reference.dead))
      if let half = reference.half { #expect(abs(found.halfPercent - half) < bound(half)) }
      #expect(abs(found.sidePercent - found.exactSidePercent) < 5 * found.sideError)
    }
  }

  /// One side survives a layer of one unit with probability 1/2, of two with 3/4.
  @Test("the exact fraction of dead sides")
  func exactFraction() {
    #expect(BornDead.exactSidePercent(width: 1, depth: 2) == 75)
    #expect(BornDead.exactSidePercent(width: 2, depth: 2) == 43.75)
  }
}
