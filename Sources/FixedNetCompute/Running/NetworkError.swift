import FixedNetCore

/// Why a network could not be set up or run.
public enum NetworkError: Error, Equatable {
  /// Memory that cannot be used.
  case arena(ArenaError)
  /// The operating system gave no memory or no threads.
  case resources(String)
  /// FIXEDNET_ISA names instructions that this machine does not have.
  case instructionSet(found: String, available: String)
  /// Weights that were neither loaded nor initialised.
  case weightsNotSet
  /// Training, or a full-batch solver, is asked of a plan that was not made for it; `needed`: what to plan with.
  case planned(for: String, needed: String)
  /// A number or an object of the caller's that cannot be used; `name`: as the API calls it.
  case option(name: String, expected: String, found: String)
  /// An optimiser or schedule that cannot be used.
  case configuration(ModelError)
  /// Arrays of an image set that do not go together.
  case malformedImages(what: String, expected: String, found: String)
  /// No images at all.
  case noImages
  /// A full-batch solver is at work: the network's memory is its.
  case isSolving
  /// Images of another shape than the model's input.
  case images(expected: String, found: String)
  /// An array of another length than the samples, or their outputs, take.
  case samples(expected: String, found: Int)
  /// A value that Keras would change before a layer sees it.
  case wholeNumbers(InputType, found: Float)
  /// A label without an output.
  case labels(outputCount: Int, largest: Int)
  /// Labels or targets that the loss cannot use.
  case targets(expected: String, found: String)
  /// A model without a loss, or images without labels.
  case noLoss
  /// No layer of that name.
  case noLayer(String, layers: [String])
  /// Gradients are asked for, or a mini-batch in parts, where the plan updates the weights in the backward pass.
  case keepsNoGradients
  /// A layer that normalises over the whole mini-batch, which therefore cannot be run in parts.
  case couplesBatch(layer: String, batch: Int, planned: Int)
}

extension NetworkError: CustomStringConvertible {
  public var description: String { OneLine.text(text) }

  private var text: String {
    switch self {
    case .arena(.misaligned): "the arena does not start on a 64-byte boundary"
    case .arena(.tooSmall(let needed, let found)):
      "the arena holds \(found) bytes, but the plan needs \(needed); give it at least that many"
    case .resources(let what): "the system refused \(what)"
    case .instructionSet(let found, let available):
      "the instruction set FIXEDNET_ISA=\(found) is not available here; choose one of \(available), "
        + "or unset it"
    case .weightsNotSet:
      "the network's weights were never set; load them, or call initialize(seed:)"
    case .planned(let purpose, let needed):
      "the network is planned for \(purpose); plan it with \(needed)"
    case .option(let name, let expected, let found):
      "\(name) must be \(expected), found \(found)"
    case .configuration(let error): error.description
    case .malformedImages(let what, let expected, let found):
      "the image set's \(what) must be \(expected), found \(found)"
    case .noImages: "there are no images"
    case .isSolving: "a full-batch solver is at work in the network; run it afterwards"
    case .images(let expected, let found):
      "the model takes images of \(expected), but the data are \(found)"
    case .samples(let expected, let found): "expected \(expected), found \(found)"
    case .wholeNumbers(let type, let found):
      "the model takes whole numbers (its type is \(type.rawValue)), found \(found)"
    case .labels(1, let largest):
      "the model has one output, which tells labels 0 and 1 apart, but the data have labels up to "
        + "\(largest); the last layer needs \(largest + 1) units, or the labels are numbers to predict"
    case .labels(let outputCount, let largest):
      "the model has \(outputCount) output\(outputCount == 1 ? "" : "s"), but the data have labels up "
        + "to \(largest); the last layer needs \(largest + 1) units"
    case .targets(let expected, let found):
      "the loss needs \(expected), but the data have \(found)"
    case .noLoss:
      "there is no loss: the model ends in no softmax and no sigmoid and none was asked for, or the "
        + "data have no labels"
    case .noLayer(let name, let layers):
      "no layer is called '\(name)'; the model has \(layers.joined(separator: ", "))"
    case .keepsNoGradients:
      "the plan updates the weights in the backward pass and keeps no gradients; plan without "
        + "updatesInBackward"
    case .couplesBatch(let layer, let batch, let planned):
      "layer '\(layer)' normalises over the whole batch of \(batch), but the plan is for "
        + "\(planned)"
    }
  }
}
