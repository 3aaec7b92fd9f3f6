import FixedNetCore
import Testing

@testable import FixedNetCompute

/// How long slots hold something: what the backward pass reads must still be there.
@Suite("Lifetimes")
struct LifetimeTests {
  private static let model = Model(
    name: "m", input: .image(height: 12, width: 12, channels: 2),
    layers: [
      Conv2D(name: "conv", filters: 3, kernelSize: (3, 3), activation: .tanh),
      LeakyReLU(name: "leaky", slope: 0.1),
      MaxPooling2D(name: "pool", poolSize: (2, 2)), Flatten(name: "flatten"),
      Dense(name: "hidden", units: 7, activation: .sigmoid),
      Dense(name: "out", units: 4, activation: .softmax),
    ])

  @Test(
    "a slot lasts until the last step that reads it",
    arguments: [
      // The weights' gradients need the input, tanh's derivative the output.
      ("input", "backward conv"), ("conv/output", "backward conv"),
      // Where the largest cell was is found again in the input.
      ("leaky/output", "backward pool"), ("pool/output", "backward hidden"),
      ("loss/gradient", "backward out"), ("conv/partial", "update"),
    ])
  func lasts(slot: String, step: String) throws {
    for (batch, threads) in [(1, 1), (64, 2), (64, 4)] {
      let memory = try NetworkPlan(
        Self.model, options: PlanOptions(batch: batch, isTraining: true, threads: threads)
      ).memory
      let found = try #require(memory.slots.first { $0.name == slot }, "\(memory.slots)")
      let place = try #require(memory.steps.firstIndex(of: step))
      #expect(found.lastStep >= place, "\(memory.steps[found.lastStep])")
    }
  }

  /// Of a batch of 8 blocks on two threads nothing couples.
  @Test("blocks hand their memory on to the thread's next one, unless an operation couples them")
  func passing() throws {
    for (model, passes) in [(Self.model, true), (TestModels.small, false)] {
      let plan = try NetworkPlan(
        model, options: PlanOptions(batch: 128, isTraining: true, threads: 2))
      let activations = plan.memory.slots.filter { $0.name.hasSuffix("/output") }
      #expect(activations.count > 3)
      for slot in activations {
        // What a dense layer's gradient is a chain over the batch of stays with its block.
        let isKept = slot.name == "pool/output" || slot.name == "hidden/output"
        #expect((slot.scope == .thread) == (passes && !isKept), "\(slot.name) \(slot.scope)")
      }
    }
  }
}
