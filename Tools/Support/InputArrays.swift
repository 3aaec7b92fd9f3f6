import FixedNet
import FixedNetFiles

/// Samples that a model is to run on, and what it should answer: x and y of an HDF5 file, X and y of a MATLAB file.
public struct InputArrays {
  private let path: String
  /// [count] samples of the model's input, one after the other.
  public let x: [Float]
  public let count: Int
  /// nil where the file has none.
  private let y: (shape: [Int], values: [Float])?

  /// `order`: how vectors of a MATLAB file hold images; nil: column by column.
  /// Throws: `ToolError` for samples that are not the model's; what reading throws.
  public init(_ path: String, input: Shape, order: PixelOrder?) throws {
    self.path = path
    let isMATLAB = path.lowercased().hasSuffix(".mat")
    let name = isMATLAB ? "X" : "x"
    let found: (shape: [Int], values: [Float])
    if isMATLAB {
      let arrays = try MatFile.read(path: path, variables: [name], optional: ["y"])
      func floats(_ array: MatArray) -> (shape: [Int], values: [Float]) {
        (array.shape, array.values.map { Float($0) })
      }
      found = floats(arrays[name] ?? MatArray(shape: [0], values: []))
      y = arrays["y"].map(floats)
    } else {
      let arrays = try InputArrays.read(path, [name, "y"])
      guard let x = arrays[name] else {
        throw ToolError(
          "'\(path)' has no dataset x; --inputs needs one of [samples] x \(input)")
      }
      found = x
      y = arrays["y"]
    }
    count = found.shape.first ?? 0
    let sample = Array(found.shape.dropFirst())
    if count > 0, InputArrays.fits(sample, input) {
      x = found.values
    } else if count > 0, isMATLAB, sample == [input.elementCount] {
      x = DataFile.images(found.values, shape: input, order: order ?? .columns)
    } else {
      let isTurned = found.shape.count == 2 && found.shape[0] == input.elementCount
      throw ToolError(
        "'\(path)': \(isMATLAB ? "variable X" : "dataset x") must be [samples] x \(input), found "
          + InputArrays.text(found.shape)
          + (isTurned ? ", which looks transposed; store the samples as its rows" : ""))
    }
  }

  /// Throws: `ToolError` for what is no file of arrays; what reading throws.
  private static func read(_ path: String, _ names: [String]) throws
    -> [String: (shape: [Int], values: [Float])]
  {
    do { return try HDF5Arrays.readFloats(path: path, datasets: names) } catch {
      guard case CheckpointError.wrongFormat(_, let found) = error,
        found.hasPrefix("not an HDF5 file")
      else { throw error }
      throw ToolError(
        "'\(path)': not an HDF5 file; --inputs takes an .h5 file with the samples as dataset x, or a "
          + ".mat file with X")
    }
  }

  /// Whether samples of these extents have a model's values in its order: a last extent of 1 may be left out, and a
  /// vector takes anything as it lies.
  private static func fits(_ sample: [Int], _ input: Shape) -> Bool {
    let wanted = input.dimensions
    return sample == wanted || sample + [1] == wanted || sample == wanted + [1]
      || wanted.count == 1 && sample.reduce(1, *) == wanted[0]
  }

  /// `y` for outputs of `shape`, one after the other; or why it is not compared.
  /// Throws: `ToolError` where it suits neither samples nor outputs.
  public func answers(for shape: [Int]) throws -> (values: [Float]?, note: String?) {
    guard let y else { return (nil, nil) }
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
      "'\(path)': \(path.lowercased().hasSuffix(".mat") ? "variable" : "dataset") y must be "
        + "\(InputArrays.text(wanted)), found \(InputArrays.text(y.shape))")
  }

  private static func text(_ shape: [Int]) -> String {
    shape.map(String.init).joined(separator: "x")
  }
}
