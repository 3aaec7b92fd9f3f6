import FixedNet
import FixedNetFiles
import Foundation

/// Writes figures: data, script, and, where gnuplot is installed, pictures. Pictures are drawn in a folder of their own
/// and then put in place in one step each.
package struct FigureWriter: Sendable {
  /// gnuplot; nil: no pictures.
  package var gnuplot: String?

  /// Seconds after which gnuplot is given up.
  package var deadline: Double

  package init(gnuplot: String? = Gnuplot.path(), deadline: Double = Gnuplot.deadline) {
    self.gnuplot = gnuplot
    self.deadline = deadline
  }

  /// What became of a figure.
  package struct Written: Sendable, Equatable {
    /// All files that were written.
    package var paths: [String]
    /// Whether there are pictures.
    package var isDrawn: Bool
    /// Without pictures: how to draw them, in one line.
    package var advice: String?
  }

  /// Writes NAME.dat, NAME.gp, NAME.svg and NAME.png into an existing folder.
  /// Throws: `StudyError.output`.
  @discardableResult
  package func write(_ figure: Figure, to folder: String) throws(StudyError) -> Written {
    let script = FigureScript(figure)
    var paths = try writeSources(script, to: folder)
    guard let gnuplot else {
      return Written(
        paths: paths, isDrawn: false,
        advice: FigureWriter.advice("\(figure.name).gp", in: folder))
    }
    for (end, bytes) in try draw(script, with: gnuplot) {
      let path = "\(folder)/\(figure.name).\(end)"
      try FigureWriter.write(bytes, to: path)
      paths.append(path)
    }
    return Written(paths: paths, isDrawn: true, advice: nil)
  }

  /// Draws to one file whose name ends in .svg or .png; without gnuplot, data and script are written beside it.
  /// Throws: `StudyError.output`.
  @discardableResult
  package func write(_ figure: Figure, toFile path: String) throws(StudyError) -> Written {
    guard let end = FigureWriter.end(of: path) else {
      throw .output("a figure's file must end in .svg or .png, found '\(path)'")
    }
    guard let gnuplot else {
      let folder = FilePath.folder(of: path)
      let name = String(FilePath.name(of: path).dropLast(4))
      guard !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
        throw .output("a figure's file must have no control characters in its name")
      }
      try checkSources("\(folder)/\(name)")
      let paths = try writeSources(FigureScript(figure, name: name), to: folder)
      return Written(
        paths: paths, isDrawn: false, advice: FigureWriter.advice("\(name).gp", in: folder))
    }
    let pictures = try draw(FigureScript(figure, name: "figure"), with: gnuplot)
    try FigureWriter.write(pictures[end] ?? [], to: path)
    return Written(paths: [path], isDrawn: true, advice: nil)
  }

  /// "svg" or "png"; nil for other names.
  package static func end(of path: String) -> String? {
    let name = FilePath.name(of: path).lowercased()
    return ["svg", "png"].first { name.hasSuffix(".\($0)") && name.utf8.count > 4 }
  }

  // MARK: - Files

  private static func advice(_ script: String, in folder: String) -> String {
    "no gnuplot on this machine; install it (Debian: gnuplot-nox) and run gnuplot \(script) in "
      + "'\(folder)'"
  }

  private func writeSources(_ script: FigureScript, to folder: String) throws(StudyError)
    -> [String]
  {
    let paths = ["\(folder)/\(script.name).dat", "\(folder)/\(script.name).gp"]
    try FigureWriter.write(Array(script.data.utf8), to: paths[0])
    try FigureWriter.write(Array(script.script.utf8), to: paths[1])
    return paths
  }

  /// Nobody has named these files: those that are there must be a figure's.
  /// Throws: `StudyError.output`.
  private func checkSources(_ path: String) throws(StudyError) {
    let start = Data(FigureScript.firstLine.utf8)
    guard
      FileManager.default.fileExists(atPath: "\(path).gp")
        || FileManager.default.fileExists(atPath: "\(path).dat"),
      FileManager.default.contents(atPath: "\(path).gp")?.starts(with: start) != true
    else { return }
    throw .output(
      "'\(path).gp' and '\(path).dat' would be overwritten, which are no figure's; choose another name"
    )
  }

  static func write(_ bytes: [UInt8], to path: String) throws(StudyError) {
    do { try AtomicFile.write(bytes, to: path) } catch { throw .output("\(error)") }
  }

  /// The pictures by the ends of their names. They are drawn in a folder that goes with this call, or with the program.
  private func draw(_ script: FigureScript, with gnuplot: String) throws(StudyError)
    -> [String: [UInt8]]
  {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "fixednet-figure-\(UUID().uuidString)"
    ).path
    guard mkdir(folder, 0o700) == 0 else {
      throw .output("cannot make the folder '\(folder)' to draw in")
    }
    let names = ["dat", "gp", "svg", "png"].map { "\(folder)/\(script.name).\($0)" }
    let paths = names + ["\(folder)/\(Gnuplot.log)", folder]
    let entries = paths.map { UnfinishedFiles.insert($0) }
    defer {
      try? FileManager.default.removeItem(atPath: folder)
      for entry in entries { UnfinishedFiles.remove(entry) }
    }
    _ = try writeSources(script, to: folder)
    if let reason = Gnuplot.run(
      gnuplot, script: "\(script.name).gp", in: folder, deadline: deadline)
    {
      throw .output("gnuplot cannot draw figure '\(script.figure.name)': \(reason)")
    }
    var pictures: [String: [UInt8]] = [:]
    for end in ["svg", "png"] {
      guard let bytes = FileManager.default.contents(atPath: "\(folder)/\(script.name).\(end)"),
        !bytes.isEmpty
      else { throw .output("gnuplot drew no \(end) of figure '\(script.figure.name)'") }
      pictures[end] = Array(bytes)
    }
    return pictures
  }
}
