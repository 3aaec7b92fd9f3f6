import ArgumentParser
import FixedNet
import FixedNetCore
import FixedNetFiles

/// --augment, and what a training state keeps of it.
package struct AugmentOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Change every training image at random, anew in every epoch: \(Augmentation.help). Bilinear, about "
        + "the image's centre. Rows of features (rows x features) are shifted and zoomed along the rows. Test "
        + "images stay as they are. (default: none)", valueName: "name=value,..."),
    transform: AugmentOption.read)
  package var augment: Augmentation?

  package init() {}

  private static func read(_ text: String) throws -> Augmentation {
    do { return try Augmentation(text: text) } catch {
      throw ValidationError("--augment: \(error)")
    }
  }
}

extension TrainingState {
  /// nil for none.
  /// Throws: `ToolError` where `path` says what no run can have said.
  package func augmentation(in path: String) throws -> Augmentation? {
    guard let recorded = options["augment"] else { return nil }
    guard case .string(let text) = recorded, let augmentation = try? Augmentation(text: text) else {
      throw ToolError("'\(path)': its augmentation is unusable: \(recorded.summary)")
    }
    return augmentation
  }

  package mutating func record(_ augmentation: Augmentation?) {
    setOption("augment", augmentation.map { .string($0.text) })
  }
}
