import ArgumentParser
import BenchTool
import EvalTool
import ExportTool
import FixedNet
import PlanTool
import PredictTool
import StudyTool
import ToolSupport
import TrainTool

/// All tools in one program.
struct FixedNetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixednet",
    abstract:
      "Trains and runs small neural networks in memory that is laid out before the first sample.",
    discussion: """
      fixednet train --checkpoint             trains LeNet-5 on built-in digits
      fixednet eval Models/lenet.h5           how good it is, class by class
      fixednet predict Models/lenet.h5 x.h5   what it takes samples for
      """,
    version: FixedNetVersion.current,
    subcommands: [
      Train.self, Eval.self, PredictCommand.self, PlanCommand.self, StudyCommand.self,
      BenchCommand.self, ExportCommand.self,
    ])
}

FixedNetCommand.runTool()
