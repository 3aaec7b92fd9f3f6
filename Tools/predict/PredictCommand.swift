import ArgumentParser
import FixedNet
import FixedNetFiles
import Foundation
import ToolSupport

package struct PredictCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Says what a trained model takes samples for.",
    discussion: """
      One line for each sample: the file and the sample's number in it, counted from 1; the class and its probability, or \
      the numbers that the model predicts. Class names are those of the training. Of a model that learned its samples \
      themselves (train --target inputs): the mean squared error with which it reproduces each, large for what is unusual.
      """,
    version: FixedNetVersion.current)

  @Argument(
    help: ArgumentHelp("A model with its weights: .h5 or .keras.", valueName: "model"),
    completion: .argumentPath)
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Samples: .png and .jpg pictures or a folder of them, the rows of a .csv, dataset x of an .h5, X of a "
        + ".mat, an .npy or x of an .npz; - is a table on standard input.",
      valueName: "file"), completion: .argumentPath)
  var files: [String]

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Show so many classes, the most probable first.", valueName: "count"))
  var top = 1

  @Option(
    help: ArgumentHelp(
      "Write all outputs to this file instead of printing: .csv (a line for each sample), .npz, .h5 or .mat (y, one row "
        + "for each sample; of a classifier class_index too, from 0, in a .mat from 1, and class_names; of a model that "
        + "learned its samples themselves squared_error).",
      valueName: "file"), completion: .path)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "How the vectors of a .mat hold images. (default: columns, as MATLAB unrolls them)",
      valueName: "rows|columns"))
  var pixelOrder: PixelOrder?

  @OptionGroup var columns: ColumnOptions

  @Option(
    parsing: .unconditional,
    help:
      "Samples of one call; the outputs do not depend on it. (default: 128, or what memory allows)"
  )
  var batch: Int?

  @Option(
    parsing: .unconditional,
    help: "Threads; the outputs do not depend on it. (default: what is worth it)")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "The most memory for the network, \(ByteCount.help). (default: 256 MiB and 8 times the weights)",
      valueName: "size"))
  var memoryBudget: ByteCount?

  @OptionGroup var subnormals: SubnormalsOption

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  package init() {}

  package func validate() throws {
    if columns.learnsInputs || columns.normal != nil {
      throw ValidationError(
        "--target inputs and --normal say what is trained on; predict runs all samples")
    }
    try checked(top, "--top", in: 1...65_536)
    if let batch { try checked(batch, "--batch", in: 1...65_536) }
    if let threads { try checked(threads, "--threads", in: 1...256) }
    guard !files.isEmpty else { throw ValidationError("name a file with samples") }
    guard files.count(where: { $0 == StandardInput.name }) < 2 else {
      throw ValidationError("- is standard input, which can be read once; name it once")
    }
    if let output, !PredictionFile.isNamed(output) {
      throw ValidationError(
        "--output must name a .csv, .npz, .h5 or .mat file, found '\(output)'")
    }
  }

  /// Of all files, in their order; pictures that follow each other are read at once.
  private func predictions(_ predictor: Predictor) throws -> [Prediction] {
    var predictions: [Prediction] = []
    var pictures: [String] = []
    for file in files {
      if let found = try DataSamples.pictures(in: file) {
        pictures += found
        continue
      }
      if !pictures.isEmpty { predictions += try predictor.predict(pictures: pictures) }
      pictures = []
      if file == StandardInput.name {
        let input = try StandardInput()
        predictions.append(
          try withExtendedLifetime(input) {
            try predictor.predict(input.path, shownAs: "standard input")
          })
      } else {
        predictions.append(try predictor.predict(file))
      }
    }
    return try predictions + (pictures.isEmpty ? [] : predictor.predict(pictures: pictures))
  }

  package func run() throws {
    var guarded = FileGuard()
    guarded.reads(model, "predict")
    for file in files where file != StandardInput.name { guarded.reads(file, "predict") }
    guarded.writes(output, "--output")
    try guarded.check()
    let predictor = try Predictor(self)
    guarded.keeps(predictor.recorded, of: model)
    try guarded.check()
    let predictions = try predictions(predictor)
    if let output {
      try PredictionFile.write(predictions, of: predictor.answer, to: output)
    }
    let report = PredictionReport(
      model: model, answer: predictor.answer, top: top, threads: predictor.threads)
    if json {
      printJSON(report.json(predictions, output: output))
    } else if let output {
      printLine(
        "wrote \(output): \(Format.grouped(predictions.reduce(0) { $0 + $1.count })) samples, on "
          + predictor.threads.text)
    } else {
      for prediction in predictions { report.print(prediction) }
    }
  }
}
