import ArgumentParser
import FixedNet
import FixedNetCore

/// What a built-in model's samples and classes are, where no data say so.
package struct ModelShapeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of a built-in model: what its samples are, images such as 32x32x3. (default: what it is made for)",
      valueName: "HxWxC"))
  package var image: ImageShape?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Of a built-in model: its samples are so many numbers.", valueName: "count"))
  package var features: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Of a built-in model: how many classes it tells apart. (default: 10, or as its official file)",
      valueName: "count"))
  package var classes: Int?

  package init() {}

  package func validate() throws {
    if let features { try checked(features, "--features", in: 1...Shape.extentLimit) }
    if let classes { try checked(classes, "--classes", in: 1...65_536) }
    guard image == nil || features == nil else {
      throw ValidationError("--image and --features exclude each other; give one")
    }
  }

  /// The first option that was given.
  package var firstGiven: String? {
    [("--image", image != nil), ("--features", features != nil), ("--classes", classes != nil)]
      .first(where: \.1)?.0
  }

  /// A model of these samples and classes.
  /// Throws: `ToolError` for one that has a shape of its own; whatever reading a file does.
  package func source(_ name: String) throws -> ModelSource {
    try ModelSource(name).reshaped(
      input: image?.shape ?? features.map { .vector($0) }, classCount: classes)
  }
}
