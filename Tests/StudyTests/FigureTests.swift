import FixedNetStudies
import Foundation
import TestSupport
import Testing

@Suite("FigureWriter")
struct FigureTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
  }

  @Test(
    "gnuplot draws every kind of figure, and reads no text as a command",
    .enabled(if: Gnuplot.path() != nil, "needs gnuplot"))
  func draws() throws {
    for figure in FigureSamples.all {
      let written = try FigureWriter().write(figure, to: folder)
      #expect(written.isDrawn && written.advice == nil)
      let svg = try text("\(figure.name).svg")
      #expect(svg.contains("<svg") && svg.hasSuffix("</svg>\n\n"))
      #expect(!svg.contains("uid=") && !svg.contains("<b>"))
      let png = try #require(FileManager.default.contents(atPath: "\(folder)/\(figure.name).png"))
      #expect(Array(png.prefix(4)) == [0x89, 0x50, 0x4E, 0x47])
      // The width in the header, big-endian.
      #expect(png[16..<20].reduce(0) { $0 * 256 + Int($1) } == 960)
    }
    let svg = try text("curves.svg")
    #expect(svg.contains("`id` ") && svg.contains("$(id)") && svg.contains("&lt;b>&amp;amp;"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 16)
  }

  @Test("without gnuplot there are data, a script, and a line that says how to draw")
  func writesSources() throws {
    let written = try FigureWriter(gnuplot: nil).write(FigureSamples.heatMap, to: folder)
    #expect(!written.isDrawn && written.paths == ["heat.dat", "heat.gp"].map { "\(folder)/\($0)" })
    #expect(try #require(written.advice).contains("run gnuplot heat.gp in '\(folder)'"))
    let script = try text("heat.gp")
    #expect(!script.contains(folder) && script.contains("'./heat.dat' index 0"))
    #expect(
      script.contains("set xrange [0.5:20.5]") && script.contains("set cblabel 'collapsed (%)'"))
    guard let gnuplot = Gnuplot.path() else { return }
    let run = try Finished(gnuplot, ["-d", "heat.gp"], in: folder)
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    #expect(try text("heat.svg").contains(">hidden layers<"))
  }

  @Test("panels of the same curves share one legend; others have their own")
  func legend() throws {
    func entries(_ labels: [[String]]) throws -> Int {
      let panels = labels.map { labels in
        Figure.Panel(
          "", x: Figure.Axis("x"), y: Figure.Axis("y"),
          .lines(labels.map { Figure.Line($0, [(1, 1), (2, 3)]) }))
      }
      try FigureWriter(gnuplot: nil).write(
        Figure("legend", title: "", caption: "", panels: panels), to: folder)
      return try text("legend.gp").components(separatedBy: "set key bmargin").count - 1
    }
    #expect(try entries([["a", "b"], ["a", "b"]]) == 1)
    // Out of sight, one row of 18 pixels and the space around it.
    #expect(
      try text("legend.gp").contains("-1e9 with lines lw 1.8 dt 1 lc rgb '#d55e00' title 'b'"))
    #expect(try text("legend.gp").contains("size 960,382 "))
    #expect(try entries([["a", "b"], ["a", "c"]]) == 2)
    #expect(try entries([["a"], [""]]) == 1)
    #expect(try entries([["", ""], ["", ""]]) == 0)
    guard let gnuplot = Gnuplot.path() else { return }
    _ = try entries([["a", "b"], ["a", "b"]])
    let run = try Finished(gnuplot, ["-d", "legend.gp"], in: folder)
    #expect(run.exitCode == 0 && run.errors.isEmpty, "\(run.errors)")
    let svg = try text("legend.svg")
    #expect(svg.components(separatedBy: ">b<").count == 2)
  }

  @Test("values that are not finite, and none above zero on a logarithmic axis, are gaps")
  func gaps() throws {
    func block(_ values: [Double], isLogarithmic: Bool) throws -> [String] {
      let line = Figure.Line("a", values.enumerated().map { (Double($0), $1) })
      let panel = Figure.Panel(
        "", x: Figure.Axis("x"), y: Figure.Axis("y", isLogarithmic: isLogarithmic), .lines([line]))
      let figure = Figure("gaps", title: "", caption: "", panels: [panel])
      try FigureWriter(gnuplot: nil).write(figure, to: folder)
      return try text("gaps.dat").split(separator: "\n", omittingEmptySubsequences: false)
        .map(String.init)
    }
    let nan = try block([1, 2, .nan, 3, .infinity, 4, 5], isLogarithmic: false)
    #expect(
      Array(nan.prefix(8)) == [
        "0.0 1.0", "1.0 2.0", "", "3.0 3.0", "3.0 3.0", "", "5.0 4.0", "6.0 5.0",
      ])
    let zero = try block([1, 0, 2, 3], isLogarithmic: true)
    #expect(Array(zero.prefix(5)) == ["0.0 1.0", "0.0 1.0", "", "2.0 2.0", "3.0 3.0"])
    #expect(try block([.nan, .nan], isLogarithmic: false).allSatisfy(\.isEmpty))
    #expect(try text("gaps.gp").contains("no finite values"))
  }

  @Test("one picture of a name that gnuplot could run is drawn; other ends are refused")
  func oneFile() throws {
    #expect(throws: StudyError.self) {
      try FigureWriter(gnuplot: nil).write(FigureSamples.heatMap, toFile: "\(folder)/a.pdf")
    }
    let name = "< touch x; it's"
    let written = try FigureWriter(gnuplot: nil).write(
      FigureSamples.heatMap, toFile: "\(folder)/\(name).svg")
    #expect(!written.isDrawn)
    guard let gnuplot = Gnuplot.path() else { return }
    let run = try Finished(gnuplot, ["-d", "./\(name).gp"], in: folder)
    #expect(run.exitCode == 0, "\(run.errors)")
    try FigureWriter().write(FigureSamples.violins, toFile: "\(folder)/b.PNG")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(Set(names) == Set(["dat", "gp", "svg", "png"].map { "\(name).\($0)" } + ["b.PNG"]))
  }

  @Test("a folder that is not there is one line")
  func unwritable() throws {
    #expect(
      throws: StudyError.output("cannot write '\(folder)/no/heat.dat': No such file or directory")
    ) {
      try FigureWriter(gnuplot: nil).write(FigureSamples.heatMap, to: "\(folder)/no")
    }
  }
}

@Suite("KernelDensity")
struct KernelDensityTests {
  @Test("equals the sum over all values, has area 1, and NumPy's quartiles")
  func density() throws {
    let values = FigureSamples.normal(1000, 2).map(Double.init) + [9, .nan, .infinity]
    let finite = values.filter(\.isFinite)
    let density = try #require(KernelDensity(values))
    let h = density.bandwidth
    let deviation = (finite.reduce(0) { $0 + $1 * $1 } / 1000).squareRoot()
    #expect(abs(h - 0.9 * deviation * pow(1001, -0.2)) < 0.06 * h)
    for (x, value) in zip(density.positions, density.densities) {
      let sum = finite.reduce(0.0) { $0 + exp(-0.5 * pow((x - $1) / h, 2)) }
      let exact = sum / (Double(finite.count) * h * (2 * Double.pi).squareRoot())
      #expect(abs(value - exact) < 2e-3 * 0.2)
    }
    let step = density.positions[1] - density.positions[0]
    #expect(abs(density.densities.reduce(0, +) * step - 1) < 0.01)
    let four = try #require(KernelDensity([4, 1, 3, 2]))
    #expect(four.quartiles == (1.75, 2.5, 3.25))
  }

  @Test("equal values, one value and none")
  func degenerate() throws {
    #expect(KernelDensity([.nan]) == nil && KernelDensity([]) == nil)
    let equal = try #require(KernelDensity([3, 3, 3]))
    #expect(equal.positions == [3] && equal.quartiles == (3, 3, 3))
  }
}
