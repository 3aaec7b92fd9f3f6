import CSupport
import Foundation

/// The instruction sets that the kernels are built for. All of them give the same bits.
public enum InstructionSet: String, CaseIterable, Sendable, Comparable {
  /// What every processor has.
  case portable
  /// 256 bits, with fused multiply-add.
  case avx2
  /// 512 bits.
  case avx512

  var code: cs_isa {
    switch self {
    case .portable: CS_ISA_PORTABLE
    case .avx2: CS_ISA_AVX2
    case .avx512: CS_ISA_AVX512
    }
  }

  public static func < (left: InstructionSet, right: InstructionSet) -> Bool {
    left.code.rawValue < right.code.rawValue
  }

  /// The best one that this processor has.
  public static var best: InstructionSet {
    let code = cs_isa_detect()
    return allCases.first { $0.code == code } ?? .portable
  }

  /// What the environment variable FIXEDNET_ISA asks for, or the best one.
  /// Throws: `NetworkError.instructionSet`.
  public static func selected(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(NetworkError) -> InstructionSet {
    guard let name = environment["FIXEDNET_ISA"], !name.isEmpty else { return best }
    guard let set = InstructionSet(rawValue: name) else {
      throw .instructionSet(found: name, available: available)
    }
    try set.check()
    return set
  }

  private static var available: String {
    allCases.filter { $0 <= best }.map(\.rawValue).joined(separator: ", ")
  }

  /// Refuses a set that this processor does not have.
  /// Throws: `NetworkError.instructionSet`.
  func check() throws(NetworkError) {
    guard self <= .best else {
      throw .instructionSet(found: rawValue, available: InstructionSet.available)
    }
  }

  /// The kernels' table.
  package var kernels: UnsafePointer<cs_kernels> { cs_kernels_for(code) }
}
