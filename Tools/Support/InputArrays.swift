import FixedNet
import FixedNetFiles

/// Samples that a model is to run on, and what it should answer.
package struct InputArrays {
  private let path: String
  private let samples: DataSamples

  /// [count] samples of the model's input, one after the other.
  package var x: [Float] { samples.values }
  package var count: Int { samples.count }
  /// What they were taken from.
  package var note: String { samples.note }

  /// `order`: how vectors hold images; nil: as is usual for the file. `options`: which columns or arrays. `recorded`: what
  /// the model was trained on: its column of answers is the table's too, where nothing else is said.
  /// Throws: `DataFileError`.
  package init(
    _ path: String, input: Shape, order: PixelOrder?, options: DataFileOptions = DataFileOptions(),
    recorded: RecordedData? = nil
  ) throws {
    self.path = path
    var options = options
    options.pixelOrder = order
    if options.image == nil {
      options.image = recorded.flatMap { DataFileOptions.split($0.name).options.image }
    }
    samples = try DataSamples.load(
      path: path, input: input, options: options,
      usualTarget: recorded.flatMap { DataFileOptions.split($0.name).options.target })
  }

  /// Pictures, brought to the model's size; `recorded` says how its vectors hold images.
  /// Throws: `DataFileError`.
  package init(pictures: [String], input: Shape, recorded: RecordedData? = nil) throws {
    path = pictures[0]
    samples = try DataSamples.pictures(
      pictures, input: input,
      image: recorded.flatMap { DataFileOptions.split($0.name).options.image })
  }

  /// `y` for outputs of `shape`, one after the other; or why it is not compared.
  /// Throws: `ToolError` where it suits neither samples nor outputs.
  package func answers(for shape: [Int]) throws -> (values: [Float]?, note: String?) {
    guard let y = samples.answers else { return (nil, nil) }
    func squeezed(_ shape: [Int]) -> [Int] { shape.filter { $0 != 1 } }
    let wanted = [count] + shape
    let hasSamples = y.shape.first == count || squeezed(y.shape) == squeezed(wanted)
    if y.values.count == wanted.reduce(1, *), hasSamples { return (y.values, nil) }
    if squeezed(y.shape) == squeezed([count]) {
      return (
        nil,
        "y holds one value per sample and not the model's \(shape.reduce(1, *)) outputs: not compared "
          + "(--data \(path) evaluates labels)"
      )
    }
    throw ToolError(
      "'\(path)': y must be \(InputArrays.text(wanted)), found \(InputArrays.text(y.shape))")
  }

  private static func text(_ shape: [Int]) -> String {
    shape.map(String.init).joined(separator: "x")
  }
}
