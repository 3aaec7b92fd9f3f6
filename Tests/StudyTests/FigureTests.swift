import FixedNetStudies
import Foundation
import TestSupport
import Testing

@Suite("FigureWriter")
struct FigureTests {
  @Test("draws every kind of figure", .enabled(if: Gnuplot.path() != nil, "needs gnuplot"))
  func draws() throws {
    let folder = try ProcessInfo.processInfo.environment["FIGURES"] ?? Fixtures.temporaryFolder()
    for figure in FigureSamples.all {
      let written = try FigureWriter().write(figure, to: folder)
      #expect(written.isDrawn && written.paths.count == 4)
    }
  }
}
