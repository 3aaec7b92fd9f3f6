import CCrypto
import Dispatch
import Foundation

/// The SHA-256 of bytes that are still being written, piece after piece, computed meanwhile on another thread.
final class TrailingDigest: @unchecked Sendable {
  /// A good length of a piece: few jobs, and the bytes are in the cache still.
  static let pieceLength = 1 << 20

  private var digest = RunningDigest(EVP_sha256())
  /// One job after the other; nil: all is done in `add`.
  private let queue: DispatchQueue?

  init(on queue: DispatchQueue?) { self.queue = queue }

  /// `piece` must keep its contents until `wait` has returned.
  func add(_ piece: UnsafeRawBufferPointer) {
    guard let queue else { return digest.add(piece) }
    nonisolated(unsafe) let piece = piece
    queue.async { self.digest.add(piece) }
  }

  /// Waits until nothing that was added is needed any more.
  func wait() { queue?.sync {} }

  func finish() -> String {
    wait()
    return digest.finish()
  }
}
