import FixedNet
import FixedNetCore
import FixedNetFiles
import ToolSupport

/// A model to measure: one that is built in, or any that `plan` takes.
struct BenchModel {
  let name: String
  private let kind: Kind

  private enum Kind {
    /// With the samples that it is made for.
    case builtIn(BuiltInModel)
    /// As it was named or read.
    case source(ModelSource)
  }

  /// Throws: whatever reading a model does.
  init(_ name: String, _ shape: ModelShapeOptions) throws {
    self.name = name
    if shape.firstGiven == nil, let builtIn = BuiltInModel(rawValue: name) {
      kind = .builtIn(builtIn)
    } else {
      kind = .source(try shape.source(name))
    }
  }

  /// Names between commas; numbers behind one go with the name before them, as in mlp:64,32.
  static func names(in list: String) -> [String] {
    list.split(separator: ",").reduce(into: []) { names, part in
      if part.allSatisfy(\.isNumber), let last = names.popLast() {
        names.append("\(last),\(part)")
      } else {
        names.append(String(part))
      }
    }
  }

  func model(input: Shape) -> Model {
    switch kind {
    case .builtIn(let builtIn): builtIn.model(input: input)
    case .source(let source): source.model
    }
  }

  /// nil: what the model's end asks for.
  var loss: Loss? {
    switch kind {
    case .builtIn(let builtIn): builtIn.loss
    case .source(let source):
      source.lossStatement.computed
        ?? (source.model.endFunction == .linear ? .meanSquaredError : nil)
    }
  }

  /// The file that it comes from; nil where it is none.
  var file: String? {
    if case .source(let source) = kind, source.input != nil { name } else { nil }
  }

  var weights: [LayerWeights]? {
    if case .source(let source) = kind { source.weights } else { nil }
  }

  /// Random samples of its own shape; nil where it takes digits.
  func ownSamples(_ count: Int) throws -> ImageSet? {
    let model: Model
    switch kind {
    case .builtIn(let builtIn): return builtIn.ownSamples(count)
    case .source(let source): model = source.model
    }
    var reader = Philox(seed: 0, stream: 0x6265_6E63_68).reader()
    let values = (0..<count * model.input.elementCount).map { _ in 2 * reader.nextUnit() - 1 }
    let width = try model.shapes().output.elementCount
    let plan = try NetworkPlan(model, options: PlanOptions(batch: 1, isTraining: true, loss: loss))
    guard plan.loss?.isForClasses == true, width <= 65_536 else {
      let targets = (0..<count * width).map { _ in reader.nextUnit() }
      return ImageSet(
        shape: model.input, pixels: .floats(values), labels: [], targets: targets,
        targetWidth: width)
    }
    return ImageSet(
      shape: model.input, pixels: .floats(values),
      labels: (0..<count).map { UInt16($0 % max(2, width)) })
  }
}
