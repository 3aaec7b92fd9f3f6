import CCrypto
import FixedNetCompute

/// Message digests as hexadecimal text, through libcrypto's EVP functions.
package enum Digest {
  package static func md5(_ bytes: [UInt8]) -> String {
    var digest = RunningDigest(EVP_md5())
    bytes.withUnsafeBytes { digest.add($0) }
    return digest.finish()
  }

  package static func sha256(_ bytes: [UInt8]) -> String {
    var digest = RunningDigest(EVP_sha256())
    bytes.withUnsafeBytes { digest.add($0) }
    return digest.finish()
  }

  /// Of a file's contents, which may be longer than the memory.
  package static func sha256(file path: String) throws(FileError) -> String {
    var digest = RunningDigest(EVP_sha256())
    try FileBytes.forEachPart(of: path) { digest.add($0) }
    return digest.finish()
  }
}

/// What identifies a network's weights: equal digests mean equal bits.
public enum WeightsDigest {
  /// The same before the model is written and after it is read: in the order of the model's files, where a hard or a scaled
  /// sigmoid is two layers more, which may change the order of others (`Model.kerasForm`).
  /// `weights`: one entry per layer of `model`.
  public static func sha256(_ weights: [LayerWeights], of model: Model) -> String {
    sha256(model.kerasForm(weights).weights)
  }

  /// SHA-256 of all values in the order given, as float32 little-endian.
  public static func sha256(_ weights: [LayerWeights]) -> String {
    var digest = RunningDigest(EVP_sha256())
    for tensor in weights.lazy.flatMap(\.tensors) {
      #if _endian(big)
        let bits = tensor.values.map { $0.bitPattern.littleEndian }
        bits.withUnsafeBytes { digest.add($0) }
      #else
        tensor.values.withUnsafeBytes { digest.add($0) }
      #endif
    }
    return digest.finish()
  }
}

/// A digest that is fed in parts.
struct RunningDigest: ~Copyable {
  private let context: OpaquePointer?
  private var isWorking: Bool

  init(_ method: OpaquePointer?) {
    context = EVP_MD_CTX_new()
    isWorking = context != nil && EVP_DigestInit_ex(context, method, nil) == 1
  }

  deinit { EVP_MD_CTX_free(context) }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard isWorking, bytes.count > 0 else { return }
    isWorking = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
  }

  /// The digest; "unavailable" where the system's libcrypto refuses the method.
  mutating func finish() -> String {
    var length: UInt32 = 0
    var bytes = [UInt8](repeating: 0, count: 64)
    guard isWorking, EVP_DigestFinal_ex(context, &bytes, &length) == 1 else { return "unavailable" }
    isWorking = false
    let digits = Array("0123456789abcdef")
    return String(
      bytes.prefix(Int(length)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}
