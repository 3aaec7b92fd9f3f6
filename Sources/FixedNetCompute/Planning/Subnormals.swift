import CSupport

/// What becomes of numbers below the smallest normal one, 2^-126, while a network runs. Where such numbers appear (saturated
/// units, averages that nothing adds to any more) the two have different results, and each its own hash.
public enum Subnormals: String, CaseIterable, Sendable {
  /// They count as zero, which costs nothing. x86-64, arm64, and Cortex-M with a floating-point unit can.
  case flush
  /// They stay, as IEEE 754 has it and NumPy and Keras on most machines do: for results that are to be the same on
  /// processors without such a mode (Cortex-M0 to M3, RISC-V, WebAssembly). Many processors take a hundred times as long for
  /// an operation on them.
  case keep

  var code: cs_subnormals {
    switch self {
    case .flush: CS_FLUSH_SUBNORMALS
    case .keep: CS_KEEP_SUBNORMALS
    }
  }

  /// Whether this processor can do so.
  var isPossible: Bool { self == .keep || cs_can_flush_subnormals() != 0 }
}
