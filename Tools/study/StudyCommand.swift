import ArgumentParser
import FixedNetStudies
import ToolSupport

@main
struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study", abstract: "Runs the experiments and writes reports with figures.")

  static func main() { runTool() }

  func run() throws {
    for study in StudyRegistry.all { print("\(study.name)  \(study.title)") }
  }
}
