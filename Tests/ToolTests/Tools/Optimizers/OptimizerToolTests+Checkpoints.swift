import FixedNet
import FixedNetFiles
import Foundation
import TestSupport
import Testing

/// Checkpoints that train goes on with, or does not.
extension OptimizerToolTests {
  @Test("checkpoints whose parts contradict each other are not resumed")
  func contradictions() throws {
    _ = try train("\(Self.small) --epochs 1 --optimizer adam --output run.h5")
    let file = try KerasFile.read(path: "\(folder)/run.h5")
    let steps: JSONValue = ["base": 0.1, "max": 1.0, "step_size": .integer(.max)]
    let onLogits =
      #"{"class_name": "CategoricalCrossentropy", "config": {"from_logits": true}}"#
    let changes: [(change: (inout TrainingState) -> Void, fragment: String)] = [
      ({ $0.learningRate = 0.5 }, "contradicts itself"), ({ $0.loss = "ctc" }, "'ctc'"),
      ({ $0.options = ["patience": -1] }, "out of range"),
      ({ $0.schedule = ["class_name": "never"] }, "the schedule must be one of"),
      ({ $0.loss = onLogits }, "from_logits is true"),
      ({ $0.schedule = ["class_name": "triangular", "config": steps] }, "out of range"),
    ]
    for (change, fragment) in changes {
      var changed = file
      if var state = file.training {
        change(&state)
        changed.training = state
      }
      try KerasFile.write(changed, to: "\(folder)/changed.h5")
      Tool.expectRefusal(try train("--resume changed.h5 --epochs 2"), fragment)
    }
  }

  @Test("a checkpoint that was written before there were options goes on")
  func oldCheckpoint() throws {
    let run = try train("--resume \(Fixtures.root)/Models/lenet.h5 --epochs 1")
    #expect(run.exitCode == 0 && run.output.contains("are done already"), "\(run.errors)")
  }
}
