import ArgumentParser
import FixedNetFiles
import FixedNetStudies
import Foundation

/// `--plot` names a picture that can be drawn.
package func checkPlot(_ path: String, option: String = "--plot") throws {
  guard FigureWriter.end(of: path) != nil else {
    throw ValidationError("\(option) must name an .svg or .png file, found '\(path)'")
  }
}

/// Draws to the file; where gnuplot is missing, data and script are written and a line says how to draw them.
/// Throws: `StudyError.output`.
package func drawPlot(_ figure: Figure, to path: String) throws {
  let written = try FigureWriter().write(figure, toFile: path)
  guard let advice = written.advice else { return }
  printError(advice)
}

/// A path's last part: what a title has room for.
package func fileName(_ path: String) -> String {
  FilePath.name(of: path)
}
