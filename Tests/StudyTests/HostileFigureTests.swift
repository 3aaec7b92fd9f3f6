import FixedNet
import FixedNetStudies
import Foundation
import TestSupport
import Testing

@Suite("hostile texts in figures and reports")
struct HostileFigureTests {
  private let folder: String

  init() throws { folder = try Fixtures.temporaryFolder() }

  /// `text` wherever a figure has texts.
  private func figures(_ text: String) -> [Figure] {
    let points = [(x: 1.0, y: 1.0), (x: 2.0, y: 2.0)]
    let axis = Figure.Axis(text, ticks: [(1, text), (2, "b")])
    return [
      Figure(
        "figure", title: text, caption: text,
        panels: [
          Figure.Panel(text, x: axis, y: Figure.Axis(text), .lines([Figure.Line(text, points)])),
          Figure.Panel(
            text, x: Figure.Axis(text), y: axis, .violins([Figure.Violin(text, [1, 2, 3])])),
        ]),
      Figure.confusion(
        "matrix", title: text, caption: text, counts: [[1, 2], [3, 4]], classNames: [text, text]),
    ]
  }

  @Test(
    "gnuplot draws every text, and runs none", .enabled(if: Gnuplot.path() != nil, "needs gnuplot"),
    arguments: HostileTexts.all + HostileTexts.controls)
  func draws(_ text: String) throws {
    for figure in figures(text) {
      try FigureWriter().write(figure, to: folder)
      let svg = try #require(FileManager.default.contents(atPath: "\(folder)/\(figure.name).svg"))
      let read = try #require(HostileTexts.xml(svg))
      // Hidden characters are spaces; gnuplot joins spaces that follow each other.
      let shown = text.unicodeScalars.map { OneLine.isHidden($0) ? " " : String($0) }.joined()
      func joined(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined().replacing("&#", with: "&#")
      }
      #expect(
        read.texts.contains { joined($0).contains(joined(String(shown.prefix(20)))) },
        "\(read.texts)")
      #expect(read.elements.isDisjoint(with: ["script", "b", "img"]))
      #expect(!read.texts.joined().contains("uid="))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 8)
  }

  @Test("a gnuplot that does not end is given up, and leaves nothing")
  func deadline() throws {
    let program = "\(folder)/gnuplot"
    try Executable.write("#!/bin/sh\nsleep 600\n", to: program)
    let started = Date()
    #expect(
      throws: StudyError.output(
        "gnuplot cannot draw figure 'heat': '\(program)' did not end within 1 s")
    ) {
      try FigureWriter(gnuplot: program, deadline: 1).write(
        FigureSamples.heatMap, toFile: "\(folder)/a.svg")
    }
    #expect(Date().timeIntervalSince(started) < 300)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["gnuplot"])
  }

  @Test("without gnuplot, files that are there and are no figure's are not overwritten")
  func sources() throws {
    let writer = FigureWriter(gnuplot: nil)
    try writer.write(FigureSamples.heatMap, toFile: "\(folder)/a.svg")
    // Its own, again.
    try writer.write(FigureSamples.heatMap, toFile: "\(folder)/a.svg")
    for name in ["b.dat", "c.gp"] {
      let path = "\(folder)/\(name)"
      try Data("mine\n".utf8).write(to: URL(filePath: path))
      #expect(throws: StudyError.self) {
        try writer.write(FigureSamples.heatMap, toFile: "\(path.prefix(while: { $0 != "." })).svg")
      }
      #expect(FileManager.default.contents(atPath: path) == Data("mine\n".utf8))
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        == ["a.dat", "a.gp", "b.dat", "c.gp"])
  }

  @Test("gnuplot is not taken from the working folder")
  func path() throws {
    let folders = ["", ".", "bin", "./bin", "\(folder)/bin"]
    #expect(Gnuplot.path(environment: ["PATH": folders.joined(separator: ":")]) == nil)
    let bin = "\(folder)/bin"
    try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
    try Executable.write("#!/bin/sh\n", to: "\(bin)/gnuplot")
    #expect(
      Gnuplot.path(environment: ["PATH": folders.joined(separator: ":")]) == "\(bin)/gnuplot")
  }
}
