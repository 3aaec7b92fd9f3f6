import FixedNet
import FixedNetFiles
import TestSupport
import Testing

/// Answers that are numbers.
extension OptimizerToolTests {
  @Test("numbers are learnt by squared error, without an accuracy")
  func numbers() throws {
    let options = "--model line.json --data numbers.h5 --loss mse --optimizer momentum"
    let run = try train(
      "\(options) --batch 8 --epochs 200 --learning-rate 0.05 --validation-fraction 0.2 "
        + "--output l.h5")
    #expect(run.exitCode == 0 && run.output.contains("accuracy -  validation loss"))
    #expect(run.output.contains("with a validation loss of 0.0000"))
    #expect(run.output.contains("\ntest loss 0.0000  test accuracy -, after epoch 200\n"))
    let tensors = try KerasFile.read(path: "\(folder)/l.h5").weights.flatMap(\.tensors)
    for (found, expected) in zip(tensors.flatMap(\.values), SmallData.line) {
      #expect(abs(Double(found) - expected) < 1e-4)
    }
    let json = try train("\(options) --epochs 1 --json --history h.csv").report
    let epoch = try #require(json["history"]?.array.first)
    #expect(epoch["trainAccuracy"] == .null && epoch["testAccuracy"] == .null)
    #expect(epoch["testLoss"]?.double != nil && json["loss"] == "mean_squared_error")
    #expect(try csv("h.csv")[0][3].isNaN)
    let resumed = try train("--resume l.h5 --epochs 201 --quiet")
    #expect(resumed.weightsHash != nil, "\(resumed.errors)")
    // Nobody says which loss: linear outputs and numbers ask for this one.
    for model in ["line.json", "mlp"] {
      let found = try train("--model \(model) --data numbers.h5 --epochs 1 --json").report
      #expect(found["loss"] == "mean_squared_error", "\(model)")
    }
    Tool.expectRefusal(
      try train("--model line.json --data classes.h5 --loss mse"), "--regression reads it so")
    Tool.expectRefusal(
      try train("--model perceptron --data numbers.h5 --loss categorical_crossentropy"),
      "over one output")
  }

  @Test("two classes as numbers are learnt behind one sigmoid, with an accuracy")
  func binary() throws {
    let classes = SmallData.numbers.map { $0 > 0 ? Float(1) : 0 }
    try SmallData.write(classes, to: "\(folder)/two.h5")
    try SmallData.write(
      [Dense(name: "dense", units: 1, activation: .sigmoid)], to: "\(folder)/two.json")
    let run = try train(
      "--model two.json --data two.h5 --regression --epochs 300 --batch 8 --optimizer adam "
        + "--learning-rate 0.05 --json --test-fraction 0")
    let report = try run.report
    #expect(report["loss"] == "binary_crossentropy")
    #expect(report["history"]?.array.last?["testAccuracy"]?.double ?? 0 > 0.95)
  }
}
