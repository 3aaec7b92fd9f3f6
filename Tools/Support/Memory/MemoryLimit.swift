import FixedNet

/// How much memory a file's numbers may lead to before the user has said so: a small file can describe a network whose
/// activations fill any machine.
package enum MemoryLimit {
  /// Bytes of an arena besides what goes with the weights, which the file really holds.
  private static let base = 256 << 20
  private static let perWeight = 8

  /// Bytes that the arena of a model from a file may have.
  package static func bytes(for plan: NetworkPlan, budget: ByteCount?) -> Int {
    budget?.bytes ?? base + perWeight * plan.parameters.reduce(0) { $0 + 4 * $1.count }
  }

  /// `name`: the file. `least`: what else would fit, as the end of a sentence. `hasOption`: whether the tool takes
  /// --memory-budget for its own memory.
  /// Throws: `ToolError` for an arena beyond the limit.
  package static func check(
    _ plan: NetworkPlan, of name: String, budget: ByteCount?, least: String = "",
    hasOption: Bool = true
  ) throws(ToolError) {
    let (needed, limit) = (plan.memory.byteCount, bytes(for: plan, budget: budget))
    guard needed > limit else { return }
    let mebibytes = (needed + 1 << 20 - 1) >> 20
    throw ToolError(
      "'\(name)' describes a network whose arena takes \(Format.grouped(mebibytes)) MiB for a batch "
        + "of \(plan.options.batch), more than \(Format.grouped(limit >> 20)) MiB; "
        + (hasOption
          ? "if that is meant, --memory-budget \(mebibytes)MiB allows it\(least)"
          : "make it smaller"))
  }
}
