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

  /// `bytes` will all be written soon: the other thread has the system find the memory for them, which takes a third of the
  /// time that touching page after page takes.
  func prepare(_ bytes: UnsafeMutableRawBufferPointer) {
    #if os(Linux)
      // MADV_POPULATE_WRITE, from Linux 5.14 on; without it nothing is lost.
      let populate: Int32 = 23
      let page = Int(getpagesize())
      let start = Int(bitPattern: bytes.baseAddress) / page * page
      let length = Int(bitPattern: bytes.baseAddress) + bytes.count - start
      queue?.async { _ = madvise(UnsafeMutableRawPointer(bitPattern: start), length, populate) }
    #endif
  }

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
