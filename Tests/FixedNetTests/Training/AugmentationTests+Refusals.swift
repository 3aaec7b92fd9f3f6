import FixedNetCore
import Testing

@testable import FixedNetCompute

/// What an augmentation is written as, and what is none.
extension AugmentationTests {
  @Test(
    "its text reads back",
    arguments: [
      (
        "shift=0.1,rotation=15,flip=horizontal",
        "shift=0.1,rotation=15,flip=horizontal,fill=nearest"
      ),
      ("flip=both,fill=reflect", "flip=both,fill=reflect"),
      ("fill=constant,zoom=0.25", "zoom=0.25,fill=constant"),
      ("rotation=7.5,flip=vertical", "rotation=7.5,flip=vertical,fill=nearest"),
    ])
  func text(_ text: String, _ expected: String) throws {
    let augmentation = try Augmentation(text: text)
    #expect(augmentation.text == expected)
    #expect(try Augmentation(text: expected) == augmentation)
  }

  @Test(
    "what is no augmentation is refused",
    arguments: [
      ("", "shift=, rotation="), ("shift", "shift=, rotation="), ("shear=1", "found 'shear=1'"),
      ("shift=0.1,shift=0.2", "shift once"), ("shift=1.5", "shift from 0 to 1, found 'shift=1.5'"),
      ("shift=-0.1", "shift from 0 to 1"), ("rotation=181", "rotation from 0 to 180"),
      ("zoom=1", "zoom from 0 to less than 1"), ("zoom=nan", "zoom= with a number"),
      ("flip=up", "flip=horizontal, vertical or both, found 'flip=up'"),
      ("shift=0.1,fill=wrap", "fill=nearest, reflect or constant"),
      ("shift=0", "a shift, rotation, zoom or flip"), ("fill=reflect", "a shift, rotation, zoom"),
      ("shift=0.1,", "shift=, rotation="),
    ])
  func refusals(_ text: String, _ part: String) {
    let error = #expect(throws: ModelError.self) { try Augmentation(text: text) }
    #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(error as Any)")
  }

  @Test("what makes no sense for the input is refused by name")
  func inputs() throws {
    func error(_ input: Shape, _ text: String, keepsInput: Bool = false) throws -> String {
      let model = Model(
        name: "m", input: input,
        layers: [Flatten(name: "f"), Dense(name: "d", units: 3, activation: .softmax)])
      var options = PlanOptions(batch: 4, isTraining: true)
      options.augmentation = try Augmentation(text: text)
      options.keepsInput = keepsInput
      do {
        _ = try NetworkPlan(model, options: options)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    let image = Shape.image(height: 5, width: 5, channels: 1)
    #expect(try error(image, Self.all) == "none")
    #expect(try error(.matrix(rows: 5, columns: 2), "shift=0.2,zoom=0.1") == "none")
    #expect(
      try error(.vector(9), "shift=0.2").contains(
        "found inputs of 9 in model 'm', whose values have no neighbours"))
    for text in ["rotation=3", "flip=vertical"] {
      #expect(
        try error(.matrix(rows: 5, columns: 2), text).contains("shift and zoom alone for rows"))
    }
    #expect(try error(image, "shift=0.2", keepsInput: true).contains("a full-batch solver"))
    var unusable = PlanOptions(batch: 4, isTraining: true)
    unusable.augmentation.shift = .nan
    #expect(throws: ModelError.self) { try NetworkPlan(TestModels.small, options: unusable) }
  }
}
